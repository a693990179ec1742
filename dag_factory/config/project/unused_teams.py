"""Teams in whose folder no pipeline lies. Apart from ``teams``, since it is asked when all else is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.source.layout import PIPELINES
from dag_factory.config.suggestions import did_you_mean


def unused(teams: Mapping[str, Position], ids: Collection[str]) -> Iterator[Problem]:
    """A warning for each: a name with a slip in it limits nobody. ``teams`` are the places of the names."""
    if not teams:
        return
    folders = {"/".join(one.split(".")[:depth]) for one in ids for depth in range(1, one.count(".") + 1)}
    for name, position in teams.items():
        if name not in folders:
            message = f"there is no pipeline in the folder {PIPELINES}/{name}"
            yield Problem.at(position, ("teams", name), "unused-team", message, did_you_mean(name, folders), "warning")
