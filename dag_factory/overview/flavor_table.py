"""Flavors as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dag_factory.overview.clean import clean
from dag_factory.overview.flavors import EnvironmentFlavors, FlavorSize, Maximum, Use

_HEADINGS = ("FLAVOR", "CPU", "MEMORY", "OTHER", "POOL", "PRICE/H", "NEXT", "NODES", "JOBS")


def list_flavors(environments: Sequence[EnvironmentFlavors]) -> str:
    """One table for each environment; environments with equal tables share one."""
    shared: dict[str, list[str]] = {}
    for one in environments:
        shared.setdefault(_table(one), []).append(one.environment)
    return "\n\n".join(f"{', '.join(names)}\n\n{table}" for table, names in shared.items())


def _table(one: EnvironmentFlavors) -> str:
    lines = list(_columns([_HEADINGS, *(_row(flavor) for flavor in one.flavors)])) if one.flavors else ["No flavors."]
    if one.pools:
        lines += ["", f"Pools: {', '.join(f'{name} ({count} slots)' for name, count in one.pools.items())}"]
    if one.maximum:
        lines += ["", "Maximum of one pod:", *_maximum(one.maximum)]
    for team in one.teams:
        lines += ["", f"{f'Team {team.team}' if team.team else 'Default team'}, maximum of one pod:"]
        lines += _maximum({name: limit for name, limit in team.maximum.items() if one.maximum.get(name) != limit})
        lines += (f"  only flavors that match {', '.join(patterns)}" for patterns in team.flavors)
        lines += _maximum(team.flavor_maximum)
    if one.replaced:
        lines += ["", f"Replaced: {', '.join(f'{name} by {other}' for name, other in one.replaced.items())}"]
    if one.not_counted:
        noun = "pipeline" if len(one.not_counted) == 1 else "pipelines"
        lines += ["", f"Not counted: the jobs of {len(one.not_counted):,} {noun} with errors. Run `dagf check`."]
    return "\n".join(clean(line) for line in lines)


def _maximum(limits: Mapping[str, Maximum]) -> Iterator[str]:
    return (f"  {name} {limit.most}, set by {limit.by} ({limit.location})" for name, limit in limits.items())


def _row(flavor: FlavorSize) -> tuple[str, ...]:
    other = {name: text for name, text in _sizes(flavor).items() if name not in ("cpu", "memory")}
    sizes = _sizes(flavor)
    return (
        flavor.name,
        sizes.get("cpu", "-"),
        sizes.get("memory", "-"),
        ", ".join(f"{name} {text}" for name, text in other.items()) or "-",
        flavor.pool or "-",
        _price(flavor),
        flavor.next or "-",
        _nodes(flavor),
        f"{_normal_jobs(flavor.used_by):,}",
    )


def _sizes(flavor: FlavorSize) -> dict[str, str]:
    """Each resource as its request, and its limit if it differs."""
    sizes = {}
    for name in dict.fromkeys((*flavor.requests, *flavor.limits)):
        request, limit = flavor.requests.get(name, "none"), flavor.limits.get(name, "none")
        sizes[name] = request if request == limit else f"{request}..{limit}"
    return {**sizes, **({"shm": flavor.shm} if flavor.shm else {})}


def _price(flavor: FlavorSize) -> str:
    return "-" if flavor.cost_per_hour is None else f"{flavor.cost_per_hour:g}"


def _nodes(flavor: FlavorSize) -> str:
    selector = flavor.node_selector
    return ", ".join(f"{key}={value}" for key, value in selector.items()) if isinstance(selector, dict) else "-"


def _normal_jobs(uses: Iterable[Use]) -> int:
    return sum(not use.larger for use in uses)


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def describe_flavor(name: str, environments: Sequence[EnvironmentFlavors]) -> str:
    """One flavor in each environment that has it, and the jobs that use it."""
    parts = []
    for one in environments:
        flavor = next((flavor for flavor in one.flavors if flavor.name == name), None)
        lines = [f"{name} in {one.environment}", ""]
        lines += _describe(flavor) if flavor else ["  This environment does not have the flavor."]
        if name in one.replaced:
            lines.append(f"  Replaced by {one.replaced[name]}: jobs that name {name} get {one.replaced[name]}.")
        if one.not_counted:
            lines.append(f"  Not counted: the jobs of pipelines with errors ({len(one.not_counted):,}).")
        parts.append("\n".join(clean(line) for line in lines))
    return "\n\n".join(parts)


def _describe(flavor: FlavorSize) -> Iterator[str]:
    yield f"  defined in      {flavor.location}"
    for name, size in _sizes(flavor).items():
        yield f"  {name:15} {size}"
    for key, value in (("pool", flavor.pool), ("next", flavor.next)):
        if value:
            yield f"  {key:15} {value}"
    if flavor.cost_per_hour is not None:
        yield f"  {'price per hour':15} {_price(flavor)}"
    for key, value in (("node_selector", flavor.node_selector), ("tolerations", flavor.tolerations)):
        if value:
            yield f"  {key:15} {json.dumps(value, default=str)}"
    normal = [use for use in flavor.used_by if not use.larger]
    larger = [use for use in flavor.used_by if use.larger]
    yield from _list_jobs("used by", normal)
    if larger:
        yield from _list_jobs("larger flavor after out-of-memory for", larger)


def _list_jobs(title: str, uses: Sequence[Use]) -> Iterator[str]:
    pipelines: dict[str, list[str]] = {}
    for use in uses:
        pipelines.setdefault(use.dag_id, []).append(use.job)
    jobs = f"{len(uses):,} {'job' if len(uses) == 1 else 'jobs'}"
    where = f" in {len(pipelines):,} {'pipeline' if len(pipelines) == 1 else 'pipelines'}:" if uses else ""
    yield f"  {title} {jobs}{where}"
    yield from (f"    {dag_id}: {', '.join(names)}" for dag_id, names in pipelines.items())
