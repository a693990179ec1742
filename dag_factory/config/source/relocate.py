"""Change the paths of problems to paths in the files that they name.

A value from ``defaults``, an overlay, a flavor or the environment is checked as a part of a job. Its position is where
the file has it. Here its path becomes the path to that position.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Mapping as MappingT

import msgspec

from dag_factory.config.positions import KeyPath, dotted
from dag_factory.config.problems import Problem, printable
from dag_factory.config.tree import MapNode, Node, Scalar

Paths = dict[tuple[int, int], list[KeyPath]]


def relocate_problems(problems: Iterable[Problem], documents: MappingT[str, Node]) -> list[Problem]:
    """The problems with paths as in ``documents``, which has the trees of files by name."""
    problems = list(problems)
    known: dict[str, Paths] = {}
    found = []
    for problem in problems:
        document = documents.get(problem.file)
        if document is None or not problem.line:
            found.append(problem)
            continue
        if problem.file not in known:
            lines = {other.line for other in problems if other.file == problem.file}
            known[problem.file] = paths(document, lines)
        here = known[problem.file].get((problem.line, problem.column), [])
        found.append(msgspec.structs.replace(problem, path=_choose_path(problem.path, here)))
    return found


def paths(document: Node, lines: Collection[int] = ()) -> Paths:
    """The paths at each line and column of a document; an alias has the paths of all its uses.

    Lines inside a block scalar are included only if they are in ``lines``: a block may be long, and used often.
    """
    found: Paths = {}
    _collect(document, (), found, lines)
    return found


def _choose_path(path: str, here: list[KeyPath]) -> str:
    """The path at the position, unless ``path`` already leads there or further."""
    candidates = [printable(dotted(steps)) for steps in here]
    if not candidates or any(path == other or path.startswith((f"{other}.", f"{other}[")) for other in candidates):
        return path
    if not candidates[0]:  # the start of the file: a problem about something that the file lacks
        return path
    return next((other for other in candidates if other.split(".")[-1] == path.split(".")[-1]), candidates[0])


def _collect(node: Node, path: KeyPath, found: Paths, lines: Collection[int]) -> None:
    """Collect every position below a node, outermost paths first."""
    found.setdefault((node.position.line, node.position.column), []).append(path)
    if isinstance(node, MapNode):
        for key, item in node.entries.items():
            position = node.keys.get(key)
            if position:
                found.setdefault((position.line, position.column), []).append((*path, key))
            _collect(item, (*path, key), found, lines)
    elif isinstance(node, Scalar):
        if node.block and lines:
            first, last = node.position.line + 1, node.position.line + 1 + node.text.count("\n")
            for line in lines:
                if first <= line <= last:
                    found.setdefault((line, 1), []).append(path)
    else:
        for index, item in enumerate(node.items):
            _collect(item, (*path, index), found, lines)
