"""What the files of a project say about each pipeline, in one environment.

Run as ``python -m dag_factory.reasons.project_states HOME ENVIRONMENT NAME``, it prints JSON. The web page runs it as a
process of its own: compiling has a limit of processor time only in the main thread of a process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dag_factory.config.model import Manual, Pipeline
from dag_factory.config.problems import Problem
from dag_factory.config.project.open_project import ProjectError, open_project
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import PIPELINES
from dag_factory.config.storage import read_file

if TYPE_CHECKING:
    from dag_factory.config.tree import Node

SECONDS = 10.0  # for compiling what is not cached, and again for what the report left over
MAX_PROBLEMS = 10  # of one pipeline


class FileState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One pipeline. ``state`` is ``running``, ``last-good``, ``stopped``, ``broken`` or ``elsewhere``.

    ``only`` has the environments of a pipeline that is elsewhere. ``schedule_off`` is the key that removes the schedule
    of the file in this environment.
    """

    state: str
    file: str
    problems: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    schedule_off: str = ""


class ProjectStates(msgspec.Struct, frozen=True):
    """All pipelines by the ids of their DAGs. ``error``: why the project cannot be read.

    ``complete`` is false if there was no time to compile every file: then a DAG that is missing may exist.
    """

    environment: str = ""
    pipelines: dict[str, FileState] = {}
    error: str = ""
    complete: bool = True


def read_states(project: Project) -> ProjectStates:
    """Return the state of each pipeline that a file of the project claims."""
    until = time.monotonic() + 2 * SECONDS
    inspection = project.inspect(SECONDS)
    last_good = {one.id: one for one in inspection.running_last_good({})[0]}
    states: dict[str, FileState] = {}
    complete = True
    for file_id in inspection.listing.ids:
        key = inspection.keys.get(file_id)
        found = inspection.cache.get(key) if key else None
        text = read_file.read(project.home, file_id)
        if found is None:
            if time.monotonic() > until:
                complete = False
                continue
            found, _ = project.file_result(text, inspection.cache)
        for result in found.results:
            if result.id in last_good:
                states[result.id] = _running_last_good(last_good[result.id], found.file)
            elif result.pipeline is not None:
                is_manual = isinstance(result.pipeline.schedule, Manual)
                off = _schedule_off(text.data, project.environment) if is_manual else ""
                states[result.id] = FileState("running", found.file, schedule_off=off)
            elif result.problems:
                states[result.id] = FileState("broken", found.file, _texts(result.problems))
            else:
                states[result.id] = FileState("elsewhere", found.file, only=_only(text.data))
    return ProjectStates(project.environment, states, complete=complete)


def _running_last_good(pipeline: Pipeline, file: str) -> FileState:
    state = "stopped" if pipeline.stopped else "last-good"
    return FileState(state, file, _texts((*pipeline.stopped, *pipeline.current_errors)))


def _texts(problems: tuple[Problem, ...]) -> tuple[str, ...]:
    shown = [
        f"{one.location}: {one.message}" + (f" ({one.hint})" if one.hint else "") for one in problems[:MAX_PROBLEMS]
    ]
    more = len(problems) - len(shown)
    return (*shown, *([f"and {more} more"] if more > 0 else []))


def _only(data: bytes | Problem) -> tuple[str, ...]:
    """The names in the key ``only`` of a pipeline's file."""
    from dag_factory.config.tree import texts_of

    return texts_of(_entries(data).get("only"))


def _schedule_off(data: bytes | Problem, environment: str) -> str:
    """``environments.dev.schedule`` if that key removes the schedule of the file."""
    from dag_factory.config.tree import entries_of, is_set

    if isinstance(data, Problem) or b"environments" not in data:
        return ""
    file = _entries(data)
    own = entries_of(entries_of(file.get("environments")).get(environment))
    is_removed = "schedule" in own and not is_set(own["schedule"]) and is_set(file.get("schedule"))
    return f"environments.{environment}.schedule" if is_removed else ""


def _entries(data: bytes | Problem) -> Mapping[str, Node]:
    from dag_factory.config.source.yaml_reader import read
    from dag_factory.config.tree import entries_of

    if isinstance(data, Problem):
        return {}
    return entries_of(read(data.decode("utf-8", "replace"), "")[0])


def pipeline_file(dag_id: str) -> str:
    """The file that defines a DAG, if the DAG is no instance of a file with several."""
    return f"{PIPELINES}/{dag_id.replace('.', '/')}.yaml"


def main(home: str, environment: str, name: str) -> None:
    """Print the states as JSON."""
    try:
        found = read_states(open_project(Path(home), environment or None, name))
    except ProjectError as error:
        found = ProjectStates(error=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main(*sys.argv[1:4])
