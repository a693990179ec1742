"""A new pipeline, and the folder with the code of its image."""

from __future__ import annotations

import re
from pathlib import Path

from dag_factory.config.ids import FileId
from dag_factory.config.source.image_folders import FOLDER
from dag_factory.config.source.layout import file_of
from dag_factory.scaffold.additions.addition import Addition, yaml_text
from dag_factory.scaffold.additions.project_facts import Facts
from dag_factory.scaffold.render import render

_TEMPLATES = Path(__file__).parent / "templates"
_FOLDER_NAME = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*){0,2}")


def default_image(dag_id: str) -> str:
    """The folder below ``images/`` that a pipeline gets: the path of its file."""
    return "/".join(dag_id.split(".")[:3])


def is_image_folder(image: str) -> bool:
    """Whether the text is a folder below ``images/``, and not the name of an image in a registry."""
    return _FOLDER_NAME.fullmatch(image) is not None


def new_pipeline(
    facts: Facts, dag_id: str, image: str, flavor: str, description: str = "", owner: str = "", schedule: str = ""
) -> Addition:
    """A pipeline with one job. ``image`` is a folder below ``images/``, made if it is missing, or a name."""
    own_folder = is_image_folder(image)
    new_folder = own_folder and image not in facts.images
    if own_folder:
        name = f"${{{{ vars.registry }}}}/{image}:${{{{ vars.release }}}}" if facts.has_registry else f"{image}:latest"
    else:
        name = image
    values = {
        "dag_id": dag_id,
        "image_name": f'"{name}"' if "${{" in name else yaml_text(name),
        "folder": f"{FOLDER}/{image}" if own_folder else "",
        "has_main": new_folder or (facts.home / FOLDER / image / "main.py").is_file() if own_folder else False,
        "flavor": yaml_text(flavor),
        "description": yaml_text(description) if description else "",
        "owner": yaml_text(owner) if owner else "",
        "schedule": yaml_text(schedule) if schedule else "",
    }
    files = {file_of(FileId(dag_id)): render(_TEMPLATES, "pipeline.yaml.j2", **values)}
    if new_folder:
        files[f"{FOLDER}/{image}/Dockerfile"] = render(_TEMPLATES, "Dockerfile.j2")
        files[f"{FOLDER}/{image}/main.py"] = render(_TEMPLATES, "main.py.j2", dag_id=dag_id)
    edit = f"{FOLDER}/{image}/main.py" if new_folder else file_of(FileId(dag_id))
    return Addition(
        files,
        steps=(
            f"Edit {edit}: it is the work of the job `main`.",
            f"dagf run {dag_id}   (run the pipeline on this machine)",
            "dagf check   (find errors after each change)",
        ),
    )
