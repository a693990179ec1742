"""A file as a tree that matches its schema: read, validated, and without its invalid values.

Both pipelines and the platform's tables are read here. ``compute`` validates again after it computes expressions.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem, limit_problems
from dag_factory.config.schema.validate import prune, validate
from dag_factory.config.source import yaml_reader
from dag_factory.config.source.files import read_bytes, text_of
from dag_factory.config.source.migrations import migrate
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.tree import MapNode, map_node, scalars


class Document(msgspec.Struct, frozen=True):
    """The map of a file without invalid values (None: nothing in it can be used), and the problems."""

    node: MapNode | None
    problems: tuple[Problem, ...]


def read(platform: PlatformFiles, file: str, schema: str) -> Document | None:
    """Read one of the platform's files and validate it with ``schema``; None if the file does not exist."""
    data = platform.read(file)
    return None if data is None else parse(data, file, schema)


def parse(data: bytes | Problem, file: str, schema: str) -> Document:
    """Parse a file's bytes and validate them with ``schema``."""
    document, problems = document_of(data, file)
    if document is None:
        return Document(None, problems)
    document, about_version = migrate(document, schema)
    if document is None:  # of an unknown version, so nothing in it can be validated
        return Document(None, tuple(about_version))
    problems = (*problems, *about_version)
    wrong = validate(document, schema)
    found = tuple(problem for _, problem in wrong)
    other_version = tuple(problem for problem in found if problem.code == "unknown-version")
    if other_version:  # the rest of the file cannot be validated
        return Document(None, other_version)
    reported, more = limit_problems(found)
    if more:
        return Document(None, (*problems, *reported))
    return Document(_map_or_empty(prune(document, [where for where, _ in wrong])), (*problems, *found))


def read_document(path: Path, root: Path, file: str) -> tuple[MapNode | None, tuple[Problem, ...]]:
    """The map of a file, or None, and the problems of its text; see ``files.read_bytes``."""
    return document_of(read_bytes(path, root, file), file)


def document_of(data: bytes | Problem, file: str) -> tuple[MapNode | None, tuple[Problem, ...]]:
    """The map in a file's bytes, or None, and the problems of its text."""
    text = data if isinstance(data, Problem) else text_of(data, file)
    if isinstance(text, Problem):
        return None, (text,)
    node, problems = yaml_reader.read(text, file)
    if node is None:
        empty = Problem(file, 1, 1, "empty-file", "the file is empty", hint="begin it with `version: 1`")
        return None, problems or (empty,)
    if not isinstance(node, MapNode):
        position = node.position
        message = "the file must contain keys and values"
        hint = "begin it with `version: 1`"
        return None, (
            *problems, Problem(file, position.line, position.column, "wrong-type", message, hint=hint),
        )  # fmt: skip
    return node, problems


def read_required(platform: PlatformFiles, file: str, schema: str) -> Document:
    """The same for a file that every project needs."""
    missing = Problem(file, 0, 0, "missing-file", "this file is missing", hint="create it; it begins with `version: 1`")
    return read(platform, file, schema) or Document(None, (missing,))


def compute(
    node: MapNode, context: Context, schema: str, pointer: str = "", path: KeyPath = (), keep: bool = False
) -> tuple[MapNode, list[Problem]]:
    """Compute the expressions of a tree, validate it again, and remove invalid values.

    An expression that failed is removed too. With ``keep`` it stays as it is in the file, so that the value is not
    reported as missing as well. ``path`` is the node's path in its document.
    """
    if not node.dynamic:
        return node, []
    result, problems = evaluate(node, context, path)
    wrong = validate(result, schema, pointer, path)
    gone = [where for where, _ in wrong]
    if not keep:
        gone += [where for where, item in scalars(result) if item.dynamic]
    return _map_or_empty(prune(result, gone)), [*problems, *(problem for _, problem in wrong)]


def _map_or_empty(node: object) -> MapNode:
    return node if isinstance(node, MapNode) else map_node({}, {}, Position(""))
