"""What the files of a project say about each pipeline, in one environment.

Run as ``python -m dag_factory.reasons.project_states HOME ENVIRONMENT NAME``, it prints JSON. The web page runs it as a
process of its own: compiling has a limit of processor time only in the main thread of a process.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem
from dag_factory.config.project.open_project import ProjectError, open_project
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import PIPELINES
from dag_factory.config.storage import read_file

SECONDS = 10.0  # for compiling what is not cached, and again for what the report left over
MAX_PROBLEMS = 10  # of one pipeline


class FileState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One pipeline. ``state`` is ``running``, ``last-good``, ``stopped``, ``broken`` or ``elsewhere``.

    ``only`` has the environments of a pipeline that is elsewhere.
    """

    state: str
    file: str
    problems: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


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
                states[result.id] = FileState("running", found.file)
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
    from dag_factory.config.source.yaml_reader import read
    from dag_factory.config.tree import entries_of, texts_of

    if isinstance(data, Problem):
        return ()
    tree, _ = read(data.decode("utf-8", "replace"), "")
    return texts_of(entries_of(tree).get("only"))


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
