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
            f"The DAG was `{change.renamed_from}`. For Airflow it is a new DAG, without the runs and the history of "
            f"the old one; the next jobs of runs in progress of `{change.renamed_from}` fail."
        )
        yield Finding("dag-renamed", sentence)
    elif change.kind in ("changed", "repaired"):
        sentence = (
            "Runs in progress: with a bundle that has versions, such as git, they end with the old version. "
            "With a bundle without versions, such as a folder, their next jobs use the new one."
        )
        yield Finding("runs-in-progress", sentence)
