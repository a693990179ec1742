"""Where a project's files are, and which DAG each file defines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dag_factory
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.problems import Problem, printable_name
from dag_factory.config.suggestions import show
from dag_factory.settings import BOUNDS

PIPELINES = "configs/pipelines"
PLATFORM = "configs/platform"
ENVIRONMENTS = f"{PLATFORM}/environments"
SHIPPED = Path(dag_factory.__file__).resolve().parent / "templates"
"""The templates that come with the package."""
DAG_ID_LENGTH = 250
TEAM_LENGTH = 95  # an Airflow tag has at most 100 characters, including `team:`
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ENDINGS = ("yaml", "yml")
_SIMILAR_ENDING = re.compile(r"\.(ya?m|ymal|yalm|yl|json|j2|jinja|toml)[^/~]*$", re.IGNORECASE)
"""Endings of files that were probably meant to be pipelines."""
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*")


class Listing(NamedTuple):
    """The ids of all pipeline files, sorted, and the problems of files that look like pipelines or environments.

    For folders that cannot be read, ``unreadable`` has the problems by the prefix of the file ids there.
    ``complete`` is false if there is no folder of pipelines at all.
    """

    ids: list[FileId]
    problems: list[Problem]
    unreadable: dict[str, Problem]
    complete: bool


def list_files(home: Path) -> Listing:
    """Every pipeline file of a project."""
    found: list[FileId] = []
    problems: list[Problem] = _misnamed(home)
    unreadable: dict[str, Problem] = {}
    complete = os.path.lexists(home / PIPELINES)
    if not complete:
        hint = "create it; git does not keep empty folders, so add a file `.gitkeep` until there is a pipeline"
        message = "the folder does not exist, so there are no DAGs"
        problems.append(Problem(PIPELINES, 0, 0, "no-pipelines", message, hint=hint, severity="warning"))
    for relative in _files(home, "", problems, unreadable):
        stem, _, suffix = relative.rpartition(".")
        dag_id = stem.replace("/", ".")
        team = stem.partition("/")[0] if "/" in stem else ""
        if suffix == "yaml" and len(dag_id) <= DAG_ID_LENGTH and len(team) <= TEAM_LENGTH and _ID.fullmatch(stem):
            found.append(FileId(dag_id))
            continue
        file = printable_name(f"{PIPELINES}/{relative}")
        wrong = next((part for part in stem.split("/") if not _NAME.fullmatch(part)), None)
        if suffix.lower() not in _ENDINGS:
            hint = f"use the ending .yaml for a pipeline{_yaml_name(relative)}; move other files out of this folder"
            problems.append(
                Problem(file, 0, 0, "unknown-file", "nothing reads this file", hint=hint, severity="warning")
            )
        elif suffix != "yaml":
            message = f"the file ends in .{suffix}, so nothing reads it"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="rename it to .yaml"))
        elif wrong is not None:
            message = f"{show(printable_name(wrong))} cannot be part of a DAG id"
            hint = "use lowercase letters, digits, `-` and `_`; begin with a letter or a digit"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint=hint))
        elif len(team) > TEAM_LENGTH:
            message = (
                f"the name of the folder has {len(team)} characters, more than the limit of {TEAM_LENGTH} for a team"
            )
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="shorten it; it becomes a tag of the DAG"))
        else:
            message = f"the DAG id has {len(dag_id)} characters, more than Airflow's limit of {DAG_ID_LENGTH}"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="shorten the name of the file or a folder"))
    return Listing(sorted(found), [*problems, *unreadable.values()], unreadable, complete)


def environments(home: Path) -> tuple[str, ...]:
    """The environments of the project, sorted."""
    try:
        stems = [name[:-5] for name in os.listdir(f"{home}/{ENVIRONMENTS}") if name.endswith(".yaml")]  # noqa: PTH208
    except OSError:
        return ()
    return tuple(sorted(stem for stem in stems if _NAME.fullmatch(stem)))


def _misnamed(home: Path) -> list[Problem]:
    """Problems of files that look like an environment but have an invalid name."""
    found = []
    for path in sorted((home / ENVIRONMENTS).glob("*.*")):
        if path.suffix.lower() not in (".yaml", ".yml"):
            continue
        if not path.name.startswith(".") and not (path.suffix == ".yaml" and _NAME.fullmatch(path.stem)):
            file, message = (
                printable_name(f"{ENVIRONMENTS}/{path.name}"),
                f"{show(printable_name(path.name))} is not a valid name for an environment's file",
            )
            hint = "use lowercase letters, digits, `-` and `_`, and the ending .yaml"
            found.append(Problem(file, 0, 0, "bad-name", message, hint=hint))
    return found


def _files(home: Path, folder: str, problems: list[Problem], unreadable: dict[str, Problem]) -> Iterator[str]:
    """Yield every file below a folder of ``pipelines/`` that may be a pipeline, by its name there; no hidden files.

    Folders that cannot be read are reported, in ``unreadable`` if their files are unknown. Names are plain text: for
    ten thousand files that takes a tenth of the time of ``Path`` objects.
    """
    below = f"{PIPELINES}/{folder}".rstrip("/")
    try:
        if os.path.islink(home / below):  # noqa: PTH114 - returns False where is_symlink() raises
            hint, message = "commit the folder itself", "links to folders are not followed"
            problems.append(Problem(printable_name(below), 0, 0, "linked-folder", message, hint=hint))
            return
        children = sorted(os.listdir(home / below))  # noqa: PTH208
    except FileNotFoundError:
        return
    except OSError as failure:
        message = f"cannot be read: {failure.strerror}"
        prefix = f"{folder}/".lstrip("/").replace("/", ".")
        unreadable[prefix] = Problem(printable_name(below), 0, 0, "unreadable", message, hint="check the folder's mode")
        return
    for name in children:
        if name.startswith("."):
            continue
        path = f"{folder}/{name}" if folder else name
        if name.endswith((".yaml", ".yml")):
            yield path
        elif path.count("/") >= BOUNDS.folders:
            message = f"folders more than {BOUNDS.folders} levels deep are not read"
            problems.append(Problem(printable_name(below), 0, 0, "too-deep", message, hint="move it up"))
            return
        elif os.path.isdir(home / PIPELINES / path):  # noqa: PTH112 - returns False where is_dir() raises
            yield from _files(home, path, problems, unreadable)
        elif _SIMILAR_ENDING.search(name):
            yield path


def _yaml_name(relative: str) -> str:
    stem = _SIMILAR_ENDING.sub("", relative.rpartition("/")[2])
    return f", as `{printable_name(stem)}.yaml`" if _NAME.fullmatch(stem) else ""


def file_exists(home: Path, file_id: FileId) -> bool:
    """Whether the file of a pipeline exists, in a folder that ``list_files`` reads."""
    folder, (*folders, name) = f"{home}/{PIPELINES}", file_id.split(".")
    for below in ("", *(f"/{one}" for one in folders)):
        folder += below
        if os.path.islink(folder):  # noqa: PTH114 - the start of a task waits for it
            return False
    try:
        os.lstat(f"{folder}/{name}.yaml")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # it may exist: the DAG processor keeps its DAG
        return True
    return True


def is_dag_id(text: str) -> bool:
    """Whether a text is a valid id for a pipeline's DAG."""
    return len(text) <= DAG_ID_LENGTH and all(_NAME.fullmatch(part) for part in text.split("."))


def candidate_files(dag_id: DagId) -> tuple[FileId, ...]:
    """The ids of the files that may define a DAG: its own, and the one of which it could be an instance."""
    if not is_dag_id(dag_id):
        return ()
    own, family = FileId(dag_id), FileId(dag_id.rpartition(".")[0])
    return (own, family) if family else (own,)


def id_of(file: str) -> FileId:
    """The id of a pipeline's file, from its name as ``file_of`` returns it."""
    return FileId(file.removeprefix(f"{PIPELINES}/").removesuffix(".yaml").replace("/", "."))


def path_of(home: Path, file_id: FileId) -> Path:
    """The path of a pipeline's file, from its id."""
    return home / file_of(file_id)


def file_of(file_id: FileId) -> str:
    """The name of a pipeline's file relative to the project's home, as problems and positions have it."""
    return f"{PIPELINES}/{file_id.replace('.', '/')}.yaml"
