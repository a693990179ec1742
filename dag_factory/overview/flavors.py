"""The flavors of each environment: size, price, pool and nodes, the maximum of a pod, and the jobs that use them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from dag_factory.config.guard_rules import Limit
from dag_factory.config.ids import FileId
from dag_factory.config.platform import teams
from dag_factory.config.platform.flavors import FlavorEntry
from dag_factory.config.platform.tables import Tables
from dag_factory.config.platform.teams import Team, Teams
from dag_factory.config.project.project import Project
from dag_factory.config.tree import MapNode, to_python
from dag_factory.overview.compiled import Compiled, compile_pipelines

_NO_TEAM = "~"  # no folder can have this name


class Use(msgspec.Struct, frozen=True, order=True):
    """A job that has the flavor. ``larger``: it gets the flavor only after it ran out of memory."""

    dag_id: str
    job: str
    larger: bool = False


class FlavorSize(msgspec.Struct, frozen=True):
    """One flavor in one environment; quantities are those of Kubernetes. ``location`` is ``file:line:column``."""

    name: str
    requests: dict[str, str]
    limits: dict[str, str]
    shm: str | None
    pool: str | None
    cost_per_hour: float | None
    next: str | None
    node_selector: Any
    tolerations: Any
    location: str
    used_by: tuple[Use, ...]


class Maximum(msgspec.Struct, frozen=True):
    """The most that one pod may request of a resource, and the rule that says so."""

    most: str
    by: str
    location: str


class TeamLimits(msgspec.Struct, frozen=True):
    """What the pods of a team may use, with the limits of the folders around it: sizes, and patterns of flavors.

    A flavor must match a pattern of each list. ``team`` is empty for the default team.
    """

    team: str
    maximum: dict[str, Maximum]
    flavors: tuple[tuple[str, ...], ...]
    flavor_maximum: dict[str, Maximum]


class EnvironmentFlavors(msgspec.Struct, frozen=True):
    """The flavors of an environment. ``not_counted`` are pipelines with errors, whose jobs are unknown.

    ``maximum`` is that of every pod. ``teams`` are those with limits of their own, which apply together with it.
    """

    environment: str
    flavors: tuple[FlavorSize, ...]
    pools: dict[str, int]
    replaced: dict[str, str]
    maximum: dict[str, Maximum]
    not_counted: tuple[str, ...]
    teams: tuple[TeamLimits, ...] = ()


def read_flavors(project: Project) -> EnvironmentFlavors:
    """The flavors of one environment."""
    tables, compiled = project.tables, compile_pipelines(project)
    uses = _uses(compiled)
    return EnvironmentFlavors(
        environment=project.environment,
        flavors=tuple(_size(name, entry, uses.get(name, ())) for name, entry in tables.flavors.items()),
        pools=tables.pools,
        replaced=_replaced(tables),
        maximum=_maximum(tables.guards.limits),
        not_counted=compiled.broken,
        teams=tuple(_teams(tables)),
    )


def _maximum(limits: Mapping[str, Limit]) -> dict[str, Maximum]:
    return {name: Maximum(limit.most, limit.by, limit.location) for name, limit in sorted(limits.items())}


def _teams(tables: Tables) -> Iterator[TeamLimits]:
    if not isinstance(tables.teams, Teams):
        return
    names = [*sorted(tables.teams.known), *([""] if isinstance(tables.teams.default, MapNode) else [])]
    for name in names:
        team = _team(tables, name)
        guards = tables.for_team(team).guards
        own = Counter(rule.words for rule in guards.flavors)
        if team.guards.limits or team.guards.flavors:
            yield TeamLimits(name, _maximum(team.guards.limits), tuple(own), _maximum(guards.flavor_limits))


def _team(tables: Tables, name: str) -> Team:
    """The team of a folder. Its limits are computed as for a pipeline in it, whose name they cannot know."""
    folder = name or _NO_TEAM
    file_id = FileId(f"{folder.replace('/', '.')}.pipeline")
    identity = {"id": file_id, "team": folder.split("/")[0], "name": "pipeline"}
    context = {"vars": tables.vars, "environment": tables.environment, "pipeline": identity}
    return teams.team_of_file(file_id, tables.teams, context, teams.FILE)[0]


def _replaced(tables: Tables) -> dict[str, str]:
    return {name: target.text for name, target in sorted(tables.flavor_replacements.items())}


def _uses(compiled: Compiled) -> dict[str, Iterable[Use]]:
    found: dict[str, set[Use]] = {}
    for pipeline in compiled.pipelines:
        for job in pipeline.jobs:
            found.setdefault(job.flavor.name, set()).add(Use(pipeline.id, job.name))
            for larger in job.larger_flavors:
                found.setdefault(larger.flavor.name, set()).add(Use(pipeline.id, job.name, larger=True))
    return {name: sorted(uses) for name, uses in found.items()}


def _size(name: str, entry: FlavorEntry, uses: Iterable[Use]) -> FlavorSize:
    flavor, layer = entry.flavor, entry.layer
    selector, tolerations = layer.get("node_selector"), layer.get("tolerations")
    return FlavorSize(
        name=name,
        requests=flavor.requests,
        limits=flavor.limits,
        shm=flavor.shm,
        pool=flavor.pool,
        cost_per_hour=flavor.cost_per_hour,
        next=flavor.next,
        node_selector=to_python(selector) if selector else None,
        tolerations=to_python(tolerations) if tolerations else None,
        location=entry.position.location,
        used_by=tuple(uses),
    )
