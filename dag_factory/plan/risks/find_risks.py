"""All risks of a change, each once with all DAGs and jobs that have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from dag_factory.config.platform.tables import Tables
from dag_factory.config.source.layout import PIPELINES
from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Cause, Comparison, Place, Risk
from dag_factory.plan.risks import dags, guards, jobs, pods, schedules
from dag_factory.plan.risks.finding import Finding
from dag_factory.plan.risks.kinds import RISKS

TablesOfSides = Mapping[str, tuple[Tables | None, Tables | None]]
"""The tables of each environment before and after; None if the environment does not exist on the side."""

_Key = tuple[str, str, Cause | None, int]


def find_risks(
    comparisons: Iterable[Comparison], changes: Iterable[LocatedChange], tables: TablesOfSides, today: date
) -> tuple[Risk, ...]:
    """The risks, in the order of the table of kinds. Catchup counts its runs up to the end of ``today``."""
    comparisons = tuple(comparisons)
    found: dict[_Key, list[Place]] = {}
    for located in changes:
        for finding in _of_change(located, today):
            place = Place(located.change.environment, located.change.id, finding.job)
            key = finding.kind, finding.sentence, _cause(finding, located), finding.runs
            found.setdefault(key, []).append(place)
    for key, places in _of_tables(comparisons, tables):
        found.setdefault(key, []).extend(places)
    order = list(RISKS)
    risks = [
        Risk(kind, sentence, tuple(sorted(set(places))), cause, runs)
        for (kind, sentence, cause, runs), places in found.items()
    ]
    return tuple(sorted(risks, key=lambda risk: (order.index(risk.kind), risk.sentence, risk.places)))


def _of_change(located: LocatedChange, today: date) -> Iterator[Finding]:
    change, before, after = located.change, located.comparison.before, located.comparison.after
    yield from dags.find(change)
    if after is None or change.kind == "documentation":
        return
    yield from schedules.find(before, after, today, is_new=change.kind in ("added", "renamed"))
    yield from pods.find(before, after)
    if before:
        yield from jobs.find(before, after)


def _cause(finding: Finding, located: LocatedChange) -> Cause | None:
    """The cause of the first field of the finding that has its text; else of the whole DAG or job, if that has one."""
    for prefix in finding.fields:
        matching = [
            (path, field)
            for (job, path), field in located.fields.items()
            if job == finding.job and (path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) or prefix == "")
        ]
        for path, field in matching:
            if not finding.text or finding.text in repr(field.after):
                return located.causes.get((finding.job, path))
    found = located.causes.get((finding.job, ""))
    return found if found and found.line else None  # many files that are removed are one risk


def _of_tables(comparisons: Sequence[Comparison], tables: TablesOfSides) -> Iterator[tuple[_Key, Collection[Place]]]:
    """Risks of the platform's tables, with the DAGs that they are about."""
    for environment, (before, after) in tables.items():
        own = [one for one in comparisons if one.environment == environment and (one.before or one.after)]
        if after is None:
            continue
        if before is None:
            sentence = f"The environment `{environment}` is new. It has {len(own):,} DAG{'s' * (len(own) != 1)}."
            yield ("environment-added", sentence, None, 0), [Place(environment, one.id) for one in own]
            continue
        if _are_limits_unknown(before) or _are_limits_unknown(after):
            sentence = f"The limits of `{environment}` are not compared, because its platform files have errors."
            yield ("guards-unknown", sentence, None, 0), [Place(environment, one.id) for one in own]
            continue
        folders = {_folder(one) for one in own if one.before}
        with_parents = {"/".join(parts[:length]) for parts in _parts(folders) for length in range(1, len(parts) + 1)}
        for loosened in guards.find(before, after, with_parents):
            places = [Place(environment, one.id) for one in own if _is_in(_folder(one), loosened.team)]
            yield ("guard-loosened", loosened.sentence, loosened.cause, 0), places


def _are_limits_unknown(tables: Tables) -> bool:
    return tables.broken or not tables.teams.readable


def _parts(folders: Iterable[str]) -> list[list[str]]:
    return [folder.split("/") for folder in folders if folder]


def _folder(comparison: Comparison) -> str:
    return comparison.file.removeprefix(f"{PIPELINES}/").rpartition("/")[0]


def _is_in(folder: str, team: str) -> bool:
    return not team or f"{folder}/".startswith(f"{team}/")
