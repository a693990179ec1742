"""Every problem's code is in the documentation, and the documentation holds no other."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEBAB = re.compile(r"[a-z]+(-[a-z0-9]+)+|unreadable")
NOT_CODES = re.compile(
    r"(job|pipeline)-templates|dagwright-.*|utf-8.*|x-.*|apache-.*|ephemeral-storage|dev-shm|airflow-xcom-sidecar"
)


def in_code() -> Iterator[str]:
    for folder in ("config", "build"):
        for path in (ROOT / "dag_factory" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEBAB.fullmatch(node.value):
                    yield node.value


def in_schema(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("x-code"), str):
            yield value["x-code"]
        for inner in value.values():
            yield from in_schema(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from in_schema(inner)


def test_codes_and_documentation_are_the_same() -> None:
    raised = {code for code in in_code() if not NOT_CODES.fullmatch(code)}
    for path in (ROOT / "schemas").glob("*.schema.json"):
        raised |= set(in_schema(json.loads(path.read_text("utf-8"))))
    documented = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/problems.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(set(documented)), "a code stands twice"
    assert raised - set(documented) == set(), "not in docs/problems.md"
    assert set(documented) - raised == set(), "in docs/problems.md, but nothing tells them"
