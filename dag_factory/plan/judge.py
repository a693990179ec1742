"""Judge a change: its effects with their causes, its risks and its costs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dag_factory.plan.causes.line_texts import line_texts
from dag_factory.plan.causes.locate import locate
from dag_factory.plan.causes.sides import Side, Sides
from dag_factory.plan.comparison.compare import Compared
from dag_factory.plan.comparison.compiled_sides import read_home
from dag_factory.plan.cost import find_costs
from dag_factory.plan.fold import fold
from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import ChangedLine, DagChange, Effect, EnvironmentCost, PoolChange, Risk
from dag_factory.plan.pools import find_pools
from dag_factory.plan.risks.find_risks import find_risks
from dag_factory.plan.usage import Usage


class Judged(msgspec.Struct, frozen=True):
    """What a reviewer reads. ``changes`` have the causes of whole DAGs."""

    changes: tuple[DagChange, ...]
    effects: tuple[Effect, ...]
    risks: tuple[Risk, ...]
    costs: tuple[EnvironmentCost, ...]
    lines: tuple[ChangedLine, ...]
    pools: tuple[PoolChange, ...] = ()


def judge(compared: Compared, base_home: Path, head_home: Path, usage: Usage | None, today: date) -> Judged:
    """Judge the changes between two folders; see ``make_plan``."""
    sides = _sides(compared, base_home, head_home)
    located = locate(compared.changes, compared.comparisons, sides)
    tables = {name: (one.before.tables, one.after.tables) for name, one in sides.items()}
    effects = fold(located)
    risks = find_risks(compared.comparisons, located, tables, today)
    costs = find_costs(compared.comparisons, compared.changes, usage, today)
    changes = tuple(
        msgspec.structs.replace(one.change, cause=one.causes.get(("", ""))) if ("", "") in one.causes else one.change
        for one in located
    )
    causes = [one.cause for some in (effects, risks, changes) for one in some]
    return Judged(
        changes, effects, risks, costs, line_texts(filter(None, causes), base_home, head_home), find_pools(tables)
    )


def locate_causes(compared: Compared, base_home: Path, head_home: Path) -> list[LocatedChange]:
    """The changes between two folders with the lines that caused them."""
    return locate(compared.changes, compared.comparisons, _sides(compared, base_home, head_home))


def _sides(compared: Compared, base_home: Path, head_home: Path) -> dict[str, Sides]:
    """Both sides of each environment, or of the comparison of two environments."""
    homes = read_home(base_home), read_home(head_home)
    found = {}
    for name in compared.environments:
        names = name.split("..") if ".." in name else [name, name]
        before, after = (Side(home.project(one)) for home, one in zip(homes, names, strict=True))
        found[name] = Sides(before, after)
    return found
