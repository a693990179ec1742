"""Optional tables of named entries: retry rules, alert channels, teams.

A missing file is an empty table. An error in an entry affects only those who name it; a file that cannot be read
affects everyone who names an entry.
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

    ``noun`` is the word for an entry in messages (``channel``). ``codes`` are for an unknown and a broken entry.
    """

    file: str
    noun: str
    codes: tuple[Code, Code] = ("unknown-key", "broken-table")
    known: dict[str, MapNode] = {}
    broken: frozenset[str] = frozenset()
    readable: bool = True
    exists: bool = True

    def find(self, name: Scalar, path: KeyPath) -> MapNode | Problem:
        """The entry called ``name``, or the problem of the name, which is written at ``path``."""
        if not self.readable:
            message = f"the {self.noun} `{name.text}` cannot be looked up because the table has errors"
            return Problem.at(name.position, path, "broken-table", message, f"fix the errors in {self.file}")
        if name.text in self.broken:
            message = f"the {self.noun} `{name.text}` has errors"
            return Problem.at(name.position, path, self.codes[1], message, f"fix the errors in {self.file}")
        if name.text not in self.known:
            message, hint = f"unknown {self.noun} `{name.text}`", did_you_mean(name.text, self.known)
            hint = hint or f"define it in {self.file}"
            if not self.exists:
                hint = f"create {self.file}; it begins with `version: 1`"
            return Problem.at(name.position, path, self.codes[0], message, hint)
        return self.known[name.text]


class TableFile(msgspec.Struct, frozen=True):
    """A table, the tree of its file (None if it has none), and its problems."""

    table: Table
    document: MapNode | None
    problems: tuple[Problem, ...]


def read_table(
    platform: PlatformFiles, empty: Table, schema: str, key: str, entry: str, context: Context | None
) -> TableFile:
    """Fill ``empty`` with the entries below ``key`` of its file, their expressions computed if ``context`` is given.

    ``entry`` is the pointer to the schema of one entry, such as ``/$defs/rule``.
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
                known[name], entry_problems = documents.compute(node, context, schema, entry, (key, name))
                problems += entry_problems
    readable = all(problem.path != key for problem in problems)  # otherwise the entries are not a map
    table = msgspec.structs.replace(empty, known=known, broken=broken_names(problems, key), readable=readable)
    return TableFile(table, document.node, tuple(problems))


def broken_names(problems: Iterable[Problem], key: str) -> frozenset[str]:
    """The names below ``key`` that errors are about. No name contains a dot or a bracket."""
    paths = [one.path.removeprefix(f"{key}.") for one in problems if one.severity == "error" and one.path != key]
    return frozenset(path.split(".")[0].split("[")[0] for path in paths)
