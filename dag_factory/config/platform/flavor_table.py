"""The flavors and pools of one environment: ``flavors.yaml`` with the environment's own definitions.

An error in a flavor affects only the jobs that use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingT

import msgspec

from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.platform.flavors import FlavorEntry, compute_size, flavor_entry, merge_definitions
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.source import documents
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.source.relocate import relocate_problems
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Node, Scalar, as_map, entries_of, whole_number, without
from dag_factory.config.units import quantity

FILE = "configs/platform/flavors.yaml"
_SCHEMA = "flavors.schema.json"
_DEFAULT_POOL = "default_pool"


class FlavorTable(msgspec.Struct, frozen=True):
    """``document`` is the file's tree, or None if the file cannot be read.

    ``names`` are all flavors, ``entries`` the ones without errors.
    """

    document: MapNode | None
    problems: tuple[Problem, ...]
    pools: dict[str, int] = {}
    names: tuple[str, ...] = ()
    entries: dict[str, FlavorEntry] = {}
    broken: frozenset[str] = frozenset()


def read_flavor_table(
    platform: PlatformFiles, environment_files: MappingT[str, MapNode], define: Node | None, context: Context
) -> FlavorTable:
    """Read the table. ``define`` holds the environment's definitions, from ``environment_files``."""
    file = documents.read_required(platform, FILE, _SCHEMA)
    if file.node is None:
        return FlavorTable(None, file.problems)
    head, head_problems = documents.compute(without(file.node, "flavors"), context, _SCHEMA)
    slots = {name: whole_number(node) for name, node in head.map("pools").entries.items()}
    pools = {name: count for name, count in slots.items() if count is not None}

    flavors: dict[str, MapNode] = {}
    problems: list[tuple[str, Problem]] = []
    for name, node in merge_definitions(file.node.map("flavors"), define).items():
        flavors[name], size_problems = compute_size(name, node, context)
        problems += [(name, problem) for problem in size_problems]
    problems += check(flavors, pools)
    broken = {name for name, problem in problems if problem.severity == "error"} | _broken_in_file(
        file.problems, flavors
    )
    files = {**environment_files, FILE: file.node}
    flavor_problems = relocate_problems(dict.fromkeys(problem for _, problem in problems), files)
    return FlavorTable(
        document=file.node,
        problems=(*file.problems, *head_problems, *flavor_problems),
        pools=pools,
        names=tuple(flavors),
        entries={name: flavor_entry(name, node) for name, node in flavors.items() if name not in broken},
        broken=frozenset(broken),
    )


def read_replacements(replace: Node | None, known: Iterable[str]) -> tuple[dict[str, Scalar], list[Problem]]:
    """The environment's ``flavors.replace``: the flavor that replaces each flavor."""
    names = set(known)
    found: dict[str, Scalar] = {}
    problems = []
    for name, node in entries_of(replace).items():
        target = node if isinstance(node, Scalar) and node.value is not None else None
        written = [(name, as_map(replace).keys[name])] + ([(target.text, target.position)] if target else [])
        for flavor, position in written:
            if flavor not in names:
                message, hint = f"the flavor `{flavor}` is not in the table", did_you_mean(flavor, names)
                path = ("flavors", "replace", name)
                problems.append(Problem.at(position, path, "unknown-flavor", message, hint))
        if target:
            found[name] = target
    return found, problems


def check(flavors: MappingT[str, MapNode], pools: MappingT[str, int]) -> Iterator[tuple[str, Problem]]:
    """Pairs of a flavor's name and a problem that needs the whole table to find."""
    known_pools = (*pools, _DEFAULT_POOL)
    for name, node in flavors.items():
        path: KeyPath = ("flavors", name)
        larger = node.get("next")
        if isinstance(larger, Scalar) and isinstance(larger.value, str) and larger.value not in flavors:
            message = f"the `next` of the flavor `{name}` is `{larger.value}`, which is not a flavor of the table"
            hint = did_you_mean(larger.value, flavors)
            yield name, Problem.at(larger.position, (*path, "next"), "unknown-flavor", message, hint)
        elif isinstance(larger, Scalar) and isinstance(larger.value, str):
            yield from ((name, problem) for problem in _next_flavor(name, node, larger, flavors[larger.value]))
        pool = node.get("pool")
        if isinstance(pool, Scalar) and isinstance(pool.value, str) and pool.value not in known_pools:
            message, hint = f"unknown pool `{pool.value}`", did_you_mean(pool.value, known_pools)
            yield name, Problem.at(pool.position, (*path, "pool"), "unknown-pool", message, hint)
        yield from ((name, problem) for problem in _requests_over_limits(name, node))
    yield from _loops(flavors)


def _next_flavor(name: str, node: MapNode, larger: Scalar, next_node: MapNode) -> Iterator[Problem]:
    """Warnings about a `next` that does not give more memory, or not in the same pool."""
    path: KeyPath = ("flavors", name, "next")
    pool, next_pool = (one.text("pool") or _DEFAULT_POOL for one in (node, next_node))
    if pool != next_pool:
        message = (
            f"the next flavor of `{name}` is `{larger.text}`, which is in another pool: `{next_pool}`, not `{pool}`."
            f" The pool of a task cannot change between tries"
        )
        hint = f"a try with `{larger.text}` takes its slots from `{pool}`; use the same pool, or remove `next`"
        yield Problem.at(larger.position, path, "next-in-other-pool", message, hint, "warning")
    memory = quantity(flavor_entry(name, node).flavor.limits.get("memory", ""))
    next_memory = quantity(flavor_entry(larger.text, next_node).flavor.limits.get("memory", ""))
    if memory is not None and next_memory is not None and next_memory <= memory:
        message = f"the next flavor of `{name}` is `{larger.text}`, which does not have more memory"
        hint = "name a flavor with more `memory`; it is used after a job ran out of memory"
        yield Problem.at(larger.position, path, "next-not-larger", message, hint, "warning")


def _requests_over_limits(name: str, node: MapNode) -> Iterator[Problem]:
    flavor = flavor_entry(name, node).flavor
    for key, text in flavor.requests.items():
        request, limit = quantity(text), quantity(flavor.limits.get(key, text))
        if request is not None and limit is not None and request > limit:
            requests = node.map("requests").entries
            value = requests.get(key.replace("-", "_")) or requests.get(key) or node
            message = f"the flavor `{name}` requests {key} {text}, which exceeds its limit of {flavor.limits[key]}"
            hint = "raise the limit or lower the request; Kubernetes rejects such a pod"
            yield Problem.at(value.position, ("flavors", name), "request-over-limit", message, hint)


def _loops(flavors: MappingT[str, MapNode]) -> Iterator[tuple[str, Problem]]:
    """Chains of ``next`` that lead back to an earlier flavor, once for each flavor of the loop."""
    reported: set[str] = set()
    for start in flavors:
        chain: list[str] = []
        name: str | None = start
        while name is not None and name in flavors and name not in chain:
            chain.append(name)
            name = flavors[name].text("next")
        if name is None or name not in chain or name in reported:
            continue
        loop = chain[chain.index(name) :]
        reported.update(loop)
        message = f"`next` forms a loop: {' -> '.join([*loop, loop[0]])}"
        hint = "remove the `next` of the largest flavor"
        position = flavors[loop[-1]].entries["next"].position
        problem = Problem.at(position, ("flavors", loop[-1], "next"), "flavor-loop", message, hint)
        yield from ((member, problem) for member in loop)


def _broken_in_file(problems: Iterable[Problem], flavors: Iterable[str]) -> set[str]:
    """The flavors that problems of the file are about, by the paths of the problems. A name may contain dots."""
    names = list(flavors)
    found = set()
    for problem in problems:
        if not problem.path.startswith("flavors."):
            continue
        path = problem.path.removeprefix("flavors.")
        matching = [name for name in names if f"{path}.".startswith((f"{name}.", f"{name}["))]
        found.add(max(matching, key=len, default=path))
    return found
