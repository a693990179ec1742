"""Environments: which there are, and what one says once it is laid over those that it extends."""

from __future__ import annotations

import msgspec

from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source import documents
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, without

SCHEMA = "environment.schema.json"
_NOT_INHERITED = ("version", "description", "extends")


class MergedEnvironment(msgspec.Struct, frozen=True):
    """An environment as its files have it, nothing computed.

    ``node`` is None where a file of the chain cannot be read; ``files`` are the trees by name, its own first.
    """

    node: MapNode | None
    files: dict[str, MapNode]
    problems: tuple[Problem, ...]


def file_of(name: str) -> str:
    """The name of an environment's file, as problems and marks carry it."""
    return f"{ENVIRONMENTS}/{name}.yaml"


def read(platform: PlatformFiles, name: str) -> MergedEnvironment:
    """The environment ``name``, laid over the one that it extends, and that over the next."""
    chain: list[tuple[str, Position]] = []  # each environment with the place where it names the next
    nodes: list[MapNode] = []
    files: dict[str, MapNode] = {}
    problems: list[Problem] = []
    following: str | None = name
    while following is not None:
        here = following
        document = documents.read_required(platform, file_of(here), SCHEMA)
        problems += document.problems
        if document.node is None:
            return MergedEnvironment(None, files, tuple(problems))
        nodes.append(document.node)
        files[file_of(here)] = document.node
        extends = document.node.scalar("extends")
        if not extends:
            break
        following = extends.text
        chain.append((here, extends.position))
        known = platform.environments
        if following not in known:
            message, hint = f"unknown environment `{following}`", did_you_mean(following, set(known) - {here})
            problems.append(Problem.at(extends.position, ("extends",), "unknown-environment", message, hint))
            break
        if following in [other for other, _ in chain]:
            problems.append(_loop(chain, following))
            break
    laid: MapNode = nodes[-1]
    for node in reversed(nodes[:-1]):
        merged = merge(without(laid, *_NOT_INHERITED), node, shape(SCHEMA), unset=False)
        assert isinstance(merged, MapNode)
        laid = merged
    return MergedEnvironment(laid, files, tuple(problems))


def _loop(chain: list[tuple[str, Position]], back_to: str) -> Problem:
    """The circle, told alike from whichever of its environments it was found."""
    circle = chain[[name for name, _ in chain].index(back_to) :]
    first = min(range(len(circle)), key=lambda index: circle[index][0])
    circle = circle[first:] + circle[:first]
    around = " -> ".join([*(name for name, _ in circle), circle[0][0]])
    message = f"the environments extend each other in a circle: {around}"
    return Problem.at(circle[-1][1], ("extends",), "extends-loop", message, "remove one of these `extends`")
