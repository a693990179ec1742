"""A file as a tree that fits its schema: read, held against it, without what is wrong in it.

The pipelines and the platform's tables come in here alike; ``computed`` does the same again where an
expression stood.
"""

from __future__ import annotations

from pathlib import Path as FilePath

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
    """A file's map without what is wrong in it (None: nothing of it can be used), and what is wrong."""

    node: MapNode | None
    problems: tuple[Problem, ...]


def read(platform: PlatformFiles, file: str, schema: str) -> Document | None:
    """One of the platform's files held against ``schema``; None where there is none."""
    data = platform.read(file)
    return None if data is None else parse(data, file, schema)


def parse(data: bytes | Problem, file: str, schema: str) -> Document:
    """Hold a file's bytes against ``schema``."""
    document, problems = document_of(data, file)
    if document is None:
        return Document(None, problems)
    document, about_version = migrate(document, schema)
    if document is None:  # nothing in it can be judged
        return Document(None, tuple(about_version))
    problems = (*problems, *about_version)
    wrong = validate(document, schema)
    found = tuple(problem for _, problem in wrong)
    other_version = tuple(problem for problem in found if problem.code == "unknown-version")
    if other_version:  # the rest of the file cannot be judged
        return Document(None, other_version)
    told, more = limit_problems(found)
    if more:
        return Document(None, (*problems, *told))
    return Document(_map(prune(document, [where for where, _ in wrong])), (*problems, *found))


def read_document(path: FilePath, root: FilePath, file: str) -> tuple[MapNode | None, tuple[Problem, ...]]:
    """A file's map, or None, and what is wrong with its text; see ``files.read_bytes``."""
    return document_of(read_bytes(path, root, file), file)


def document_of(data: bytes | Problem, file: str) -> tuple[MapNode | None, tuple[Problem, ...]]:
    """The map that a file's bytes hold, or None, and what is wrong with its text."""
    text = data if isinstance(data, Problem) else text_of(data, file)
    if isinstance(text, Problem):
        return None, (text,)
    node, problems = yaml_reader.read(text, file)
    if node is None:
        empty = Problem(file, 1, 1, "empty-file", "the file is empty", hint="begin it with `version: 1`")
        return None, problems or (empty,)
    if not isinstance(node, MapNode):
        position = node.position
        message = "the file must hold keys and values"
        hint = "begin it with `version: 1`"
        return None, (
            *problems, Problem(file, position.line, position.column, "wrong-type", message, hint=hint),
        )  # fmt: skip
    return node, problems


def read_required(platform: PlatformFiles, file: str, schema: str) -> Document:
    """The same for a file that the project cannot do without."""
    missing = Problem(file, 0, 0, "missing-file", "this file is missing", hint="create it; it begins with `version: 1`")
    return read(platform, file, schema) or Document(None, (missing,))


def compute(
    node: MapNode, context: Context, schema: str, pointer: str = "", path: KeyPath = (), keep: bool = False
) -> tuple[MapNode, list[Problem]]:
    """A tree with its expressions computed and held against its schema again, what is wrong taken out.

    An expression that failed is taken out too, or stays as it was written where ``keep`` says so: then its
    absence is not told as well. ``path`` is where the node stands in its document.
    """
    if not node.dynamic:
        return node, []
    result, trouble = evaluate(node, context, path)
    wrong = validate(result, schema, pointer, path)
    gone = [where for where, _ in wrong]
    if not keep:
        gone += [where for where, item in scalars(result) if item.dynamic]
    return _map(prune(result, gone)), [*trouble, *(problem for _, problem in wrong)]


def _map(node: object) -> MapNode:
    return node if isinstance(node, MapNode) else map_node({}, {}, Position(""))
