"""The texts of the files of a new project, by their paths."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from dag_factory.scaffold.render import render

LOADER = ("dags/loader.py", "dags/import_errors.py")
"""What Airflow parses."""
PRE_COMMIT = ".pre-commit-config.yaml"
EXAMPLE = "example.hello"
"""The pipeline of a new project."""
_TEMPLATES = Path(__file__).parent / "templates"
_HIDDEN = {"gitignore": ".gitignore"}  # a package contains no hidden files
_SUFFIX = ".j2"


def project_files(name: str) -> dict[str, str]:
    """All files of a project, by their paths in its folder, sorted. ``name`` is the title of its README."""
    return {_HIDDEN.get(path, path): render(_TEMPLATES, f"{path}{_SUFFIX}", name=name) for path in sorted(_paths())}


def pre_commit_file(folder: str) -> str:
    """The hooks of a repository. ``folder`` is the project's folder in the repository, empty for its root."""
    command = ["dagf", "check", "--format", "line", *(["--home", folder] if folder else [])]
    files = f"^{re.escape(folder)}/configs/" if folder else "^configs/"
    return render(_TEMPLATES, f"pre-commit-config.yaml{_SUFFIX}", check=shlex.join(command), files=files)


def _paths() -> Iterator[str]:
    for path in _TEMPLATES.rglob(f"*{_SUFFIX}"):
        relative = path.relative_to(_TEMPLATES).as_posix().removesuffix(_SUFFIX)
        if relative != "pre-commit-config.yaml":  # it belongs to the repository
            yield relative
