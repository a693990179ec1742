"""Environments: which exist, and the settings of one, merged over the environments that it extends."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source import documents
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Scalar, without

SCHEMA = "environment.schema.json"
_NOT_INHERITED = ("version", "description", "extends")


class MergedEnvironment(msgspec.Struct, frozen=True):
    """An environment merged from its files, with expressions not yet computed.

    ``node`` is None if a file of the chain cannot be read. ``files`` are the trees by file name, the environment's
    own first.
    """

    node: MapNode | None
    files: dict[str, MapNode]
    problems: tuple[Problem, ...]


def file_of(name: str) -> str:
    """The name of an environment's file, as problems and positions have it."""
    return f"{ENVIRONMENTS}/{name}.yaml"


def read(platform: PlatformFiles, name: str) -> MergedEnvironment:
    """Read the environment ``name`` and merge it over the chain of environments that it extends."""
    chain: list[tuple[str, Position]] = []  # each environment, and the position of its `extends`
    files: dict[str, MapNode] = {}
    problems: list[Problem] = []
    current: str | None = name
    while current is not None:
        document = documents.read_required(platform, file_of(current), SCHEMA)
        problems += document.problems
        if document.node is None:
            return MergedEnvironment(None, files, tuple(problems))
        files[file_of(current)] = document.node
        extends = document.node.scalar("extends")
        current, extends_problems = _next_environment(current, extends, chain, platform.environments)
        problems += extends_problems
    return MergedEnvironment(_merge(list(files.values())), files, tuple(problems))


def _next_environment(
    name: str, extends: Scalar | None, chain: list[tuple[str, Position]], known: Collection[str]
) -> tuple[str | None, list[Problem]]:
    """The environment to read after ``name``, None at the end of the chain. Adds ``name`` to the chain."""
    if not extends:
        return None, []
    chain.append((name, extends.position))
    base = extends.text
    if base not in known:
        message, hint = f"unknown environment `{base}`", did_you_mean(base, set(known) - {name}) or "remove `extends`"
        return None, [Problem.at(extends.position, ("extends",), "unknown-environment", message, hint)]
    if base in [other for other, _ in chain]:
        return None, [_loop(chain, base)]
    return base, []


def _merge(nodes: list[MapNode]) -> MapNode:
    """The environments merged into one; ``nodes`` go from the highest layer to the lowest."""
    merged = nodes[-1]
    for node in reversed(nodes[:-1]):
        result = merge(without(merged, *_NOT_INHERITED), node, shape(SCHEMA), unset=False)
        assert isinstance(result, MapNode)
        merged = result
    return merged


def _loop(chain: list[tuple[str, Position]], back_to: str) -> Problem:
    """The problem of a loop. It is the same from whichever environment of the loop reading began."""
    loop = chain[[name for name, _ in chain].index(back_to) :]
    first = min(range(len(loop)), key=lambda index: loop[index][0])
    loop = loop[first:] + loop[:first]
    names = " -> ".join([*(name for name, _ in loop), loop[0][0]])
    message = f"the environments extend each other in a loop: {names}"
    return Problem.at(loop[-1][1], ("extends",), "extends-loop", message, "remove one of these `extends`")
