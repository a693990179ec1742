"""Teams without a pipeline in their folder.

A separate module, because a process that finds everything in the cache does not import ``teams``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dag_factory.config.ids import FileId
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.source.layout import PIPELINES
from dag_factory.config.suggestions import nearest


def check_unused_teams(teams: Mapping[str, Position], ids: Collection[FileId]) -> Iterator[Problem]:
    """Yield a warning for each unused team: a misspelled name limits no pipeline. ``teams`` has their positions."""
    if not teams:
        return
    folders = {"/".join(one.split(".")[:depth]) for one in ids for depth in range(1, one.count(".") + 1)}
    for name, position in teams.items():
        if name not in folders:
            message = f"there is no pipeline in the folder {PIPELINES}/{name}"
            near = nearest(name, folders)
            hint = f"did you mean `{near}`?" if near else "add a pipeline to the folder, or remove the team"
            yield Problem.at(position, ("teams", name), "unused-team", message, hint, "warning")
