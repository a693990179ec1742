"""The list of all pipelines of the project, with the state of each and what to do."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime

import msgspec

from dag_factory.reasons.facts import Pipeline
from dag_factory.reasons.phrases import time_text
from dag_factory.reasons.project_states import FileState, ProjectStates
from dag_factory.reasons.reason import Tone


class State(msgspec.Struct, frozen=True):
    """One state of a pipeline, in the words of the page."""

    title: str
    tone: Tone
    meaning: str
    what_to_do: str = ""


STATES: dict[str, State] = {
    "stopped": State(
        "stopped",
        "failed",
        "The file has errors, and the last good version breaks current rules. Each task fails.",
        "Fix the file.",
    ),
    "broken": State(
        "broken", "failed", "The file has errors, and there is no earlier valid version, so no DAG.", "Fix the file."
    ),
    "last-good": State(
        "last good version", "failed", "The file has errors, so Airflow runs the last good version.", "Fix the file."
    ),
    "deleted": State(
        "deleted",
        "waiting",
        "No file defines it any more: its file was deleted or renamed.",
        "Restore the file if this was not intended.",
    ),
    "gone": State(
        "gone",
        "waiting",
        "Airflow has runs of this DAG, but no longer reads it: its file was deleted, renamed or broken, or it is not"
        " for this environment.",
        "Look for the file in the repository.",
    ),
    "new": State("new", "waiting", "Airflow has not read the file yet.", "Wait half a minute."),
    "elsewhere": State(
        "not here", "info", "`only` in the file leaves out this environment.", "Add the environment to `only`."
    ),
    "running": State("active", "ok", "Airflow runs the DAG as its file says."),
}
"""In the order of the page: what needs attention comes first."""


class Row(msgspec.Struct, frozen=True):
    """One row of the page."""

    dag_id: str
    has_dag: bool
    state: State
    file: str
    is_paused: bool
    seen: str
    details: tuple[str, ...]


def rows(pipelines: Iterable[Pipeline], known: Container[str]) -> tuple[Row, ...]:
    """The rows, sorted by state and name. ``known`` has the DAGs that have a page in Airflow."""
    order = list(STATES)
    found = sorted(pipelines, key=lambda one: (order.index(one.state), one.dag_id))
    return tuple(
        Row(
            one.dag_id,
            one.dag_id in known,
            STATES[one.state],
            one.file,
            one.paused,
            time_text(one.last_parsed) if one.last_parsed and one.state in ("deleted", "gone") else "",
            one.details,
        )
        for one in found
    )


class KnownDag(msgspec.Struct, frozen=True):
    """A DAG in Airflow's database. ``state``: ``running``, or what its tags say."""

    is_stale: bool
    is_paused: bool
    last_parsed: datetime | None
    state: str = "running"


def combine(known: Mapping[str, KnownDag], project: ProjectStates | None) -> tuple[Pipeline, ...]:
    """Return all pipelines of Airflow and of the project. Without the project, only those that Airflow knows."""
    files = project.pipelines if project else {}
    is_complete = project is not None and project.complete
    found = [
        Pipeline(
            dag_id=dag_id,
            state=_state(one, files[dag_id].state) if dag_id in files else _without_file(one, is_complete),
            file=files[dag_id].file if dag_id in files else "",
            paused=one.is_paused,
            last_parsed=one.last_parsed,
            details=_details(files.get(dag_id)),
        )
        for dag_id, one in known.items()
    ]
    found += [
        Pipeline(dag_id=dag_id, state=_state(None, one.state), file=one.file, details=_details(one))
        for dag_id, one in files.items()
        if dag_id not in known
    ]
    return tuple(found)


def _state(known: KnownDag | None, of_file: str) -> str:
    is_active = known is not None and not known.is_stale
    return of_file if is_active or of_file in ("broken", "elsewhere") else "new"


def _without_file(known: KnownDag, is_complete: bool) -> str:
    if is_complete:
        return "deleted"
    return "gone" if known.is_stale else known.state


def _details(file: FileState | None) -> tuple[str, ...]:
    if file is None:
        return ()
    return (f"only: {', '.join(file.only)}",) if file.only else file.problems
