"""Where a project's files lie, and which DAG each of them is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dag_factory
from dag_factory.config.problems import Problem, printable_name
from dag_factory.config.suggestions import show
from dag_factory.settings import BOUNDS

PIPELINES = "configs/pipelines"
PLATFORM = "configs/platform"
ENVIRONMENTS = f"{PLATFORM}/environments"
SHIPPED = Path(dag_factory.__file__).resolve().parent / "templates"
"""The templates that come with the package."""
DAG_ID_LENGTH = 250
TEAM_LENGTH = 95  # Airflow's tags have up to 100 characters, `team:` among them
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ENDINGS = ("yaml", "yml")
_ODD = re.compile(r"\.(ya?m|ymal|yalm|yl|json|j2|jinja|toml)[^/~]*$", re.IGNORECASE)
"""The ends of names that somebody may have meant for a pipeline's."""
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*")


class Listing(NamedTuple):
    """The ids of all pipeline files, sorted, and what is wrong with files that would be some, or environments.

    Of folders that cannot be looked into, ``unread`` has the problems by what the ids of files there begin with.
    ``complete`` is false where there is no folder of pipelines at all.
    """

    ids: list[str]
    problems: list[Problem]
    unreadable: dict[str, Problem]
    complete: bool


def list_files(home: Path) -> Listing:
    """Every pipeline file of a project."""
    found: list[str] = []
    problems: list[Problem] = _misnamed(home)
    unread: dict[str, Problem] = {}
    complete = os.path.lexists(home / PIPELINES)
    if not complete:
        hint = "create it, with a file `.gitkeep` where there is no pipeline yet: git keeps no empty folder"
        message = "there is no such folder, so no DAG"
        problems.append(Problem(PIPELINES, 0, 0, "no-pipelines", message, hint=hint, severity="warning"))
    for relative in _files(home, "", problems, unread):
        stem, _, suffix = relative.rpartition(".")
        dag_id = stem.replace("/", ".")
        team = stem.partition("/")[0] if "/" in stem else ""
        if suffix == "yaml" and len(dag_id) <= DAG_ID_LENGTH and len(team) <= TEAM_LENGTH and _ID.fullmatch(stem):
            found.append(dag_id)
            continue
        file = printable_name(f"{PIPELINES}/{relative}")
        wrong = next((part for part in stem.split("/") if not _NAME.fullmatch(part)), None)
        if suffix.lower() not in _ENDINGS:
            hint = f"a pipeline's file ends in .yaml{_yaml_name(relative)}; move other files out of this folder"
            problems.append(
                Problem(file, 0, 0, "unknown-file", "nothing reads this file", hint=hint, severity="warning")
            )
        elif suffix != "yaml":
            message = f"the file ends in .{suffix}: nothing reads it"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="rename it to .yaml"))
        elif wrong is not None:
            message = f"{show(printable_name(wrong))} cannot be part of a DAG's id"
            hint = "use lower case letters, digits, `-` and `_`, a letter or digit first"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint=hint))
        elif len(team) > TEAM_LENGTH:
            message = f"the folder's name has {len(team)} characters, more than a team's {TEAM_LENGTH}"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="shorten it; it becomes a tag of the DAG"))
        else:
            message = f"the DAG's id would have {len(dag_id)} characters, more than Airflow's {DAG_ID_LENGTH}"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="shorten the names of file and folders"))
    return Listing(sorted(found), [*problems, *unread.values()], unread, complete)


def environments(home: Path) -> tuple[str, ...]:
    """The environments that the project has, sorted."""
    try:
        stems = [name[:-5] for name in os.listdir(f"{home}/{ENVIRONMENTS}") if name.endswith(".yaml")]  # noqa: PTH208
    except OSError:
        return ()
    return tuple(sorted(stem for stem in stems if _NAME.fullmatch(stem)))


def _misnamed(home: Path) -> list[Problem]:
    """Files that look like an environment and are none, for their names."""
    found = []
    for path in sorted((home / ENVIRONMENTS).glob("*.*")):
        if path.suffix.lower() not in (".yaml", ".yml"):
            continue
        if not path.name.startswith(".") and not (path.suffix == ".yaml" and _NAME.fullmatch(path.stem)):
            file, message = (
                printable_name(f"{ENVIRONMENTS}/{path.name}"),
                f"{show(printable_name(path.name))} cannot be an environment's file",
            )
            hint = "name it with lower case letters, digits, `-` and `_`, and end it in .yaml"
            found.append(Problem(file, 0, 0, "bad-name", message, hint=hint))
    return found


def _files(home: Path, folder: str, problems: list[Problem], unread: dict[str, Problem]) -> Iterator[str]:
    """Every file of a folder below ``pipelines/`` that may be meant for a pipeline, by its name there; none is hidden.

    What cannot be walked is told, in ``unread`` where nobody knows what is there. Of ten thousand names, as text, a
    tenth of what paths would take.
    """
    below = f"{PIPELINES}/{folder}".rstrip("/")
    try:
        if os.path.islink(home / below):  # noqa: PTH114 - says no, where is_symlink() raises
            hint, message = "commit the folder itself", "links to folders are not followed"
            problems.append(Problem(printable_name(below), 0, 0, "linked-folder", message, hint=hint))
            return
        children = sorted(os.listdir(home / below))  # noqa: PTH208
    except FileNotFoundError:
        return
    except OSError as failure:
        message = f"cannot be read: {failure.strerror}"
        start = f"{folder}/".lstrip("/").replace("/", ".")
        unread[start] = Problem(printable_name(below), 0, 0, "unreadable", message, hint="check the folder's mode")
        return
    for name in children:
        if name.startswith("."):
            continue
        path = f"{folder}/{name}" if folder else name
        if name.endswith((".yaml", ".yml")):
            yield path
        elif path.count("/") >= BOUNDS.folders:
            message = f"a folder more than {BOUNDS.folders} levels deep is not looked into"
            problems.append(Problem(printable_name(below), 0, 0, "too-deep", message, hint="move it up"))
            return
        elif os.path.isdir(home / PIPELINES / path):  # noqa: PTH112 - says no, where is_dir() raises
            yield from _files(home, path, problems, unread)
        elif _ODD.search(name):
            yield path


def _yaml_name(relative: str) -> str:
    stem = _ODD.sub("", relative.rpartition("/")[2])
    return f", as `{printable_name(stem)}.yaml`" if _NAME.fullmatch(stem) else ""


def file_exists(home: Path, dag_id: str) -> bool:
    """Whether there is the file of a pipeline, in a folder that would be walked."""
    folder, (*folders, name) = f"{home}/{PIPELINES}", dag_id.split(".")
    for below in ("", *(f"/{one}" for one in folders)):
        folder += below
        if os.path.islink(folder):  # noqa: PTH114 - a task's start waits for it
            return False
    try:
        os.lstat(f"{folder}/{name}.yaml")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # it may be there: the DAG processor holds what it had
        return True
    return True


def is_dag_id(text: str) -> bool:
    """Whether a text could be the id of a pipeline's DAG."""
    return len(text) <= DAG_ID_LENGTH and all(_NAME.fullmatch(part) for part in text.split("."))


def candidate_files(dag_id: str) -> tuple[str, ...]:
    """The ids of the files that a DAG may be written in: its own, and the one that it could be an instance of."""
    if not is_dag_id(dag_id):
        return ()
    family = dag_id.rpartition(".")[0]
    return (dag_id, family) if family else (dag_id,)


def id_of(file: str) -> str:
    """The id of a pipeline's file by its name, as ``file_of`` gives it."""
    return file.removeprefix(f"{PIPELINES}/").removesuffix(".yaml").replace("/", ".")


def path_of(home: Path, dag_id: str) -> Path:
    """The file of a pipeline, by its DAG's id."""
    return home / file_of(dag_id)


def file_of(dag_id: str) -> str:
    """The file of a pipeline by its name below the project's home, as problems and marks carry it."""
    return f"{PIPELINES}/{dag_id.replace('.', '/')}.yaml"
