"""Each problem code is declared once, in the table; the type `Code` and the documentation are written from it."""

from __future__ import annotations

import ast
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from dag_factory.config.problem_codes import table
from dag_factory.config.problem_codes.code import Code

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "dag_factory" / "config" / "problem_codes"


def strings_in_code() -> Iterator[str]:
    """Every string literal outside the table itself."""
    for path in (ROOT / "dag_factory").rglob("*.py"):
        if path.parent != TABLE:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def codes_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("x-code"), str):
            yield schema["x-code"]
        for inner in schema.values():
            yield from codes_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from codes_in(inner)


@pytest.fixture(scope="module")
def codes_in_schemas() -> set[str]:
    texts = [path.read_text("utf-8") for path in (ROOT / "schemas").glob("*.schema.json")]
    return {code for text in texts for code in codes_in(json.loads(text))}


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("problem_reference", ROOT / "scripts" / "problem_reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schemas_use_codes_of_the_table(codes_in_schemas: set[str]) -> None:
    """Code that uses another code fails mypy, by the type `Code`."""
    assert codes_in_schemas <= set(table.entries())


def test_every_code_is_used(codes_in_schemas: set[str]) -> None:
    assert set(table.entries()) <= codes_in_schemas | set(strings_in_code())


def test_the_type_is_current(reference: ModuleType) -> None:
    assert set(get_args(Code)) == set(table.entries())
    assert reference.TYPE.read_text("utf-8") == reference.code_type(), "run: make docs"


def test_the_page_is_current(reference: ModuleType) -> None:
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run: make docs"


@pytest.mark.parametrize("section", table.SECTIONS, ids=lambda section: section.title)
def test_a_section_is_sorted(section: table.Section) -> None:
    codes = [entry.code for entry in section.entries]
    assert codes == sorted(codes)


def test_no_code_is_declared_twice() -> None:
    assert len(table.entries()) == sum(len(section.entries) for section in table.SECTIONS)


@pytest.mark.parametrize("entry", table.entries().values(), ids=lambda entry: entry.code)
def test_an_entry_says_what_is_wrong_and_what_to_do(entry: table.Entry) -> None:
    for text in (entry.meaning, entry.fix):
        assert text[0] == text[0].upper()
        assert text.endswith(".")
