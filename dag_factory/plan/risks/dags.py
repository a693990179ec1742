"""Risks of a DAG as a whole: removed, renamed, or changed while it runs."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.plan.model import DagChange
from dag_factory.plan.risks.finding import Finding


def find(change: DagChange) -> Iterator[Finding]:
    """The risks that follow from the kind of a change."""
    if change.kind == "removed":
        sentence = "The DAG is removed: it gets no new runs, and the next jobs of runs in progress fail."
        yield Finding("dag-removed", sentence)
    elif change.renamed_from:
        sentence = (
            f"The DAG was `{change.renamed_from}`. For Airflow it is a new DAG without history. Runs of "
            f"`{change.renamed_from}` that are in progress fail at their next job: merge when none is running."
        )
        yield Finding("dag-renamed", sentence)
    elif change.kind == "repaired" or (change.kind == "changed" and _changes_jobs(change)):
        sentence = "Runs in progress: their next jobs use the new version, unless Airflow has a git bundle."
        yield Finding("runs-in-progress", sentence)


def _changes_jobs(change: DagChange) -> bool:
    return bool(change.jobs or change.edges_added or change.edges_removed)
