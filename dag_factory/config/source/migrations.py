"""Migrate files of an older version of the language to the current version, in memory.

A file names its version. A migration changes the tree, each value keeps its position, and a warning says what to
write. There is only one version so far, so there is no migration. The first change of the language that is not an
addition needs one for each kind of file that it affects.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Scalar, map_node

CURRENT = 1


class Migration(msgspec.Struct, frozen=True):
    """From one version to the next, for one kind of file.

    ``change`` returns the tree in the next version. It accepts any map, valid or not, and keeps the positions of
    nodes. ``instruction`` says in a few words what to write instead.
    """

    change: Callable[[MapNode], MapNode]
    instruction: str


MIGRATIONS: dict[tuple[str, int], Migration] = {}
"""By the kind of file (the name of its schema) and the old version.

``job.schema.json`` also applies to job templates, and ``pipeline.schema.json`` to pipeline templates.
"""


def migrate(document: MapNode, schema: str) -> tuple[MapNode | None, list[Problem]]:
    """Migrate a document to the current version, with a warning if it was older; None if it is newer.

    A document without a version, or with one that is not supported, is unchanged: the schema reports it.
    """
    version, position = version_of(document), _position(document)
    if version > CURRENT:
        message = (
            f"the file is written in version {version} of the language, but this dagwright reads version {CURRENT}"
        )
        hint = "install a newer dagwright, from its checkout (`git pull`, then `pip install .`) or its git URL"
        return None, [Problem.at(position, ("version",), "unknown-version", message, hint)]
    if version == CURRENT or any((schema, step) not in MIGRATIONS for step in range(version, CURRENT)):
        return document, []
    document = migrate_tree(document, schema, version)
    instructions = [MIGRATIONS[schema, step].instruction for step in range(version, CURRENT)]
    current = Scalar(CURRENT, str(CURRENT), position)
    document = map_node({**document.entries, "version": current}, document.keys, document.position)
    message = f"the file is written in version {version} of the language, which a later release will not read"
    hint = f"write `version: {CURRENT}` and {', '.join(instructions)}; then run `dagf check`"
    return document, [Problem.at(position, ("version",), "old-version", message, hint, "warning")]


def version_of(document: MapNode) -> int:
    """The version of a file; the current version if it has none or an invalid one."""
    version = document.get("version")
    if not isinstance(version, Scalar) or not isinstance(version.value, int) or isinstance(version.value, bool):
        return CURRENT
    return version.value


def migrate_tree(tree: MapNode, schema: str, version: int) -> MapNode:
    """Migrate a tree of an older version to the current version, without a warning."""
    for step in range(version, CURRENT):
        migration = MIGRATIONS.get((schema, step))
        tree = migration.change(tree) if migration else tree
    return tree


def _position(document: MapNode) -> Position:
    version = document.get("version")
    return version.position if version else document.position
