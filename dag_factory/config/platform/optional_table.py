"""Optional tables of named things: retry rules, alert channels, teams.

A table that is not there is empty. One broken entry costs those who name it; a table that cannot be read
costs those who name anything of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem
from dag_factory.config.source import documents
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Scalar


class Table(msgspec.Struct, frozen=True):
    """The entries of a file by name.

    ``word`` is what one is called (``channel``), ``codes`` are those of an unknown and of a broken entry.
    """

    file: str
    word: str
    codes: tuple[Code, Code] = ("unknown-key", "broken-table")
    known: dict[str, MapNode] = {}
    broken: frozenset[str] = frozenset()
    readable: bool = True
    exists: bool = True

    def find(self, name: Scalar, path: KeyPath) -> MapNode | Problem:
        """The entry that ``name``, written at ``path``, stands for; or why there is none."""
        if not self.readable:
            message = f"the {self.word} `{name.text}` is not known: its table has problems of its own"
            return Problem.at(name.position, path, "broken-table", message, f"see the problems of {self.file}")
        if name.text in self.broken:
            message = f"the {self.word} `{name.text}` has a problem of its own"
            return Problem.at(name.position, path, self.codes[1], message, f"see the problems of {self.file}")
        if name.text not in self.known:
            message, hint = f"unknown {self.word} `{name.text}`", did_you_mean(name.text, self.known)
            if not self.exists:
                hint = f"there is no {self.file}; it begins with `version: 1`"
            return Problem.at(name.position, path, self.codes[0], message, hint)
        return self.known[name.text]


class TableFile(msgspec.Struct, frozen=True):
    """A table, its file's tree (None: there is none), and what is wrong with it."""

    table: Table
    document: MapNode | None
    problems: tuple[Problem, ...]


def read_table(
    platform: PlatformFiles, empty: Table, schema: str, key: str, entry: str, context: Context | None
) -> TableFile:
    """Read the table whose entries stand below ``key`` into ``empty``; a ``context`` computes its expressions.

    ``entry`` is the definition of one entry in the schema, as ``/$defs/rule``.
    """
    document = documents.read(platform, empty.file, schema)
    if document is None:
        return TableFile(msgspec.structs.replace(empty, exists=False), None, ())
    if document.node is None:
        return TableFile(msgspec.structs.replace(empty, readable=False), None, document.problems)
    problems = list(document.problems)
    broken = broken_names(problems, key)
    known: dict[str, MapNode] = {}
    for name, node in document.node.map(key).entries.items():
        if isinstance(node, MapNode) and name not in broken:
            known[name] = node
            if context is not None:
                known[name], trouble = documents.compute(node, context, schema, entry, (key, name))
                problems += trouble
    whole = any(problem.path == key for problem in problems)  # the map of entries is itself no map
    table = msgspec.structs.replace(empty, known=known, broken=broken_names(problems, key), readable=not whole)
    return TableFile(table, document.node, tuple(problems))


def broken_names(problems: Iterable[Problem], key: str) -> frozenset[str]:
    """The names below ``key`` that errors are about. No name holds a dot or a bracket."""
    paths = [one.path.removeprefix(f"{key}.") for one in problems if one.severity == "error" and one.path != key]
    return frozenset(path.split(".")[0].split("[")[0] for path in paths)
