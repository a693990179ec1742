"""Make a plan: read both revisions, compile and compare them, and judge what changed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from dag_factory.plan.comparison.compare import Compared, compare, compare_environments
from dag_factory.plan.model import NotAnalyzed, Plan, Revision
from dag_factory.plan.revisions.checkout import check_out


def make_plan(
    home: Path,
    base: str | None = None,
    head: str | None = None,
    environments: Sequence[str] = (),
) -> Plan:
    """What changes between two revisions of the project in ``home``.

    ``base`` defaults to the merge base with the main branch, ``head`` to the files on disk, and ``environments`` to
    all. Nothing is read from the cache or written to it. Raises ``RevisionError`` and ``ProjectError``.
    """
    with check_out(home, base, head) as found:
        compared = compare(found.base_home, found.head_home, environments)
        return _plan(compared, found.base, found.head, found.not_analyzed)


def plan_environments(home: Path, one: str, other: str) -> Plan:
    """What differs between two environments of the files on disk. Raises ``ProjectError``."""
    compared = compare_environments(home, one, other)
    return _plan(compared, Revision(one), Revision(other), ())


def _plan(compared: Compared, base: Revision, head: Revision, not_analyzed: tuple[NotAnalyzed, ...]) -> Plan:
    return Plan(
        base=base,
        head=head,
        environments=compared.environments,
        files=len(compared.files) + len(not_analyzed),
        not_analyzed=not_analyzed,
        changes=compared.changes,
        effects=(),
        risks=(),
        costs=(),
        new_problems=compared.problems.new,
        solved_problems=compared.problems.solved,
        unchanged_problems=compared.problems.unchanged,
        version=version("dagwright"),
    )
