"""The page of run-time templates is current, describes every allowed name, and its examples give what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dag_factory.config.expressions import run_time_names as names

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "build"))

from building import a_job, rendered  # noqa: E402


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_time_reference", ROOT / "scripts" / "run_time_reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _script()
EXAMPLES = [example for examples in reference.EXAMPLES.values() for example in examples]


def test_the_page_is_current() -> None:
    assert reference.TARGET.read_text("utf-8") == reference.page(), "run: make docs"


def test_every_allowed_name_is_described() -> None:
    assert {*reference.DATES, *reference.DATA, "output"} == names.CONTEXT
    assert {*reference.FUNCTIONS} == names.FUNCTIONS
    assert {*reference.OBJECTS, "task_instance"} == {*names.OBJECTS}
    macros = {name for name, below in names.MACROS.items() for name in (name, *(f"{name}.{one}" for one in below))}
    assert {*reference.MACROS} == macros
    assert frozenset().union(*reference.METHODS.values()) == names.METHODS


@pytest.mark.parametrize(("text", "result"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_an_example_gives_what_the_page_says(text: str, result: str) -> None:
    outputs = {"count": {"rows": 7, "files": ["a.csv", "b.csv"]}}
    given = {"folds": 5, "day": "2026-03-01"}
    task = rendered(a_job(args=(text,)), outputs, given=given, timezone="Europe/Berlin")
    assert task.arguments == [result]
