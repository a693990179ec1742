"""Judge a change: its effects with their causes, its risks and its costs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dag_factory.config.platform.tables import Tables
from dag_factory.plan.comparison.compare import Compared
from dag_factory.plan.comparison.compiled_sides import read_home
from dag_factory.plan.cost import find_costs
from dag_factory.plan.fold import fold
from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Effect, EnvironmentCost, Risk
from dag_factory.plan.risks.find_risks import find_risks
from dag_factory.plan.usage import Usage


class Judged(msgspec.Struct, frozen=True):
    """What a reviewer reads beside the changes."""

    effects: tuple[Effect, ...]
    risks: tuple[Risk, ...]
    costs: tuple[EnvironmentCost, ...]


def judge(compared: Compared, base_home: Path, head_home: Path, usage: Usage | None, today: date) -> Judged:
    """Judge the changes between two folders; see ``make_plan``."""
    tables = _tables(compared, base_home, head_home)
    located = [
        LocatedChange(change, comparison)
        for change, comparison in zip(compared.changes, compared.comparisons, strict=True)
    ]
    return Judged(
        fold(located),
        find_risks(compared.comparisons, located, tables, today),
        find_costs(compared.comparisons, compared.changes, usage, today),
    )


def _tables(compared: Compared, base_home: Path, head_home: Path) -> dict[str, tuple[Tables | None, Tables | None]]:
    """The tables of each environment on both sides."""
    homes = read_home(base_home), read_home(head_home)
    found = {}
    for name in compared.environments:
        names = name.split("..") if ".." in name else [name, name]
        projects = [home.project(one) for home, one in zip(homes, names, strict=True)]
        found[name] = (projects[0].tables if projects[0] else None, projects[1].tables if projects[1] else None)
    return found
