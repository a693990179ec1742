"""Files of an older version of the language, read as if they were written in the one of now.

A file says its version. One version back is migrated in memory: the tree is changed, each value keeps its
place, and a warning says what to write. There is one version so far, so there is no migration; the first
change of the language that is no addition brings one for each kind of file it touches.
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

    ``change`` gives the tree in the next version's words; it takes any map, right or wrong, and moves nodes
    without losing their marks. ``mend`` says in a few words what a person writes instead.
    """

    change: Callable[[MapNode], MapNode]
    mend: str


MIGRATIONS: dict[tuple[str, int], Migration] = {}
"""By the kind of file (its schema's name) and the version that is left behind.

``job.schema.json`` is the text of a job template, ``pipeline.schema.json`` that of a pipeline template too.
"""


def migrate(document: MapNode, schema: str) -> tuple[MapNode | None, list[Problem]]:
    """The document in the version of now, and a warning where it was not; None where it is from the future.

    What has no version, or one that nobody can read, comes back as it is: the schema says so.
    """
    version, place = version_of(document), _place(document)
    if version > CURRENT:
        message = f"written in version {version} of the language; this dagwright reads version {CURRENT}"
        hint = "install a newer dagwright, from its checkout (`git pull`, then `pip install .`) or its git URL"
        return None, [Problem.at(place, ("version",), "unknown-version", message, hint)]
    if version == CURRENT or any((schema, step) not in MIGRATIONS for step in range(version, CURRENT)):
        return document, []
    document = migrate_tree(document, schema, version)
    mends = [MIGRATIONS[schema, step].mend for step in range(version, CURRENT)]
    now = Scalar(CURRENT, str(CURRENT), place)
    document = map_node({**document.entries, "version": now}, document.keys, document.position)
    message = f"written in version {version} of the language, which will not be read for ever"
    hint = f"write `version: {CURRENT}` and {', '.join(mends)}; then `dagf check` says what is left to do"
    return document, [Problem.at(place, ("version",), "old-version", message, hint, "warning")]


def version_of(document: MapNode) -> int:
    """The version that a file says; the one of now where it says none that could be one."""
    written = document.get("version")
    if not isinstance(written, Scalar) or not isinstance(written.value, int) or isinstance(written.value, bool):
        return CURRENT
    return written.value


def migrate_tree(tree: MapNode, schema: str, version: int) -> MapNode:
    """A tree of an older version in the words of now, without a word about it."""
    for step in range(version, CURRENT):
        migration = MIGRATIONS.get((schema, step))
        tree = migration.change(tree) if migration else tree
    return tree


def _place(document: MapNode) -> Position:
    written = document.get("version")
    return written.position if written else document.position
