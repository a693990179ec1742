"""Reasons that the pages of pipelines and of runs share."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.reasons.facts import Dag
from dag_factory.reasons.phrases import ago, run_link, time_text
from dag_factory.reasons.reason import Link, Reason

ALL_PIPELINES = Link("All pipelines", "plugin/dagwright-pipelines")
RESTORE = "If this was not intended, restore the file, then clear the failed tasks."
_COMPONENTS = {
    "scheduler": "No run and no task starts.",
    "dag_processor": "Changes of files have no effect.",
    "triggerer": "Deferred tasks do not go on.",
}


def services(dag: Dag) -> Iterator[Reason]:
    """A component of Airflow that does not report."""
    for name in dag.services.dead:
        last = dag.services.last.get(name)
        since = f"It reported last at {time_text(last)} ({ago(last, dag.now)})." if last else "It never reported."
        title = f"Airflow's {name.replace('_', ' ')} does not run"
        action = f"Ask the platform team to start `airflow {name.replace('_', '-')}`."
        yield Reason(f"no-{name}", "failed", f"{title}. {_COMPONENTS[name]}", action, (since,))


def leaving(dag: Dag) -> Reason:
    """The DAG stays only until its runs have ended."""
    return Reason(
        "deleted",
        "failed",
        f"The pipeline is deleted: {dag.deleted}. Jobs that run now continue, and jobs that have not started fail.",
        RESTORE,
        links=(ALL_PIPELINES,),
    )


def run_limit(dag: Dag) -> Reason:
    """The limit of runs is reached."""
    active, most = len(dag.active_runs), dag.max_active_runs or 0
    return Reason(
        "run-limit",
        "waiting",
        f"The limit of active runs is reached: {active} of {most} (`max_active_runs`). The next run waits.",
        "Wait until an active run ends, end one, or raise `max_active_runs` in the file.",
        links=tuple(run_link(dag.dag_id, run_id) for run_id in dag.active_runs[:5]),
    )
