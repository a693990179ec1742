"""Make a plan: read both revisions, compile and compare them, and judge what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import msgspec

from dag_factory.plan.comparison.compare import Compared, compare, compare_environments
from dag_factory.plan.judge import Judged, judge
from dag_factory.plan.model import NotAnalyzed, Plan, Revision
from dag_factory.plan.revisions.checkout import check_out
from dag_factory.plan.usage import read_usage


def make_plan(
    home: Path,
    base: str | None = None,
    head: str | None = None,
    environments: Sequence[str] = (),
    usage: Path | None = None,
    today: date | None = None,
) -> Plan:
    """What changes between two revisions of the project in ``home``.

    ``base`` defaults to the merge base with the main branch, ``head`` to the files on disk, and ``environments`` to
    all. Nothing is read from the cache or written to it. ``usage`` is a file of statistics for the costs. Runs are
    counted from ``today``; None is the date of this machine. Raises ``RevisionError``, ``ProjectError`` and
    ``PlanError``.
    """
    statistics = read_usage(usage) if usage else None
    with check_out(home, base, head) as found:
        compared = compare(found.base_home, found.head_home, environments)
        day = today or date.today()
        judged = judge(compared, found.base_home, found.head_home, statistics, day)
        return _plan(compared, judged, found.base, found.head, found.not_analyzed, day)


def plan_environments(home: Path, one: str, other: str, usage: Path | None = None, today: date | None = None) -> Plan:
    """What differs between two environments of the files on disk: nothing changes, so there are no risks.

    Raises ``ProjectError`` and ``PlanError``.
    """
    statistics = read_usage(usage) if usage else None
    compared = compare_environments(home, one, other)
    day = today or date.today()
    judged = judge(compared, home, home, statistics, day)
    judged = msgspec.structs.replace(judged, risks=())
    return _plan(compared, judged, Revision(one), Revision(other), (), day)


def _plan(
    compared: Compared,
    judged: Judged,
    base: Revision,
    head: Revision,
    not_analyzed: tuple[NotAnalyzed, ...],
    day: date,
) -> Plan:
    return Plan(
        base=base,
        head=head,
        environments=compared.environments,
        files=len(compared.files) + len(not_analyzed),
        not_analyzed=not_analyzed,
        changes=judged.changes,
        effects=judged.effects,
        risks=judged.risks,
        costs=judged.costs,
        new_problems=compared.problems.new,
        solved_problems=compared.problems.solved,
        unchanged_problems=compared.problems.unchanged,
        version=version("dagwright"),
        changed_files=compared.changed_files,
        still_broken=compared.still_broken,
        pools=judged.pools,
        today=day.isoformat(),
        lines=judged.lines,
    )
