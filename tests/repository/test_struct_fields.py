"""Keywords of ``msgspec.structs.replace`` are names of fields. mypy does not check them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "dag_factory"
TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def fields() -> Iterator[str]:
    """The annotated names of all classes."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                        yield line.target.id


def test_replaced_fields_exist() -> None:
    known = {*fields()}
    calls = [
        (path, node)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("msgspec.structs.replace", "structs.replace")
    ]
    assert len(calls) > 30
    unknown = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno}: {keyword.arg}"
        for path, node in calls
        for keyword in node.keywords
        if keyword.arg is not None and keyword.arg not in known
    ]
    assert not unknown
