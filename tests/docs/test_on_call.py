"""The runbook is current: its tables come from the code, and each verdict begins as the runbook says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "verdicts"))

from test_verdicts_constructed import CASES  # noqa: E402


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("on_call_reference", ROOT / "scripts" / "on_call_reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _script()
TEXT = reference.PAGE.read_text("utf-8")


def test_the_page_is_current() -> None:
    assert reference.page(TEXT) == TEXT, "run: make docs"


@pytest.mark.parametrize("kind", KINDS)
def test_a_verdict_begins_as_the_runbook_says(kind: str) -> None:
    start = reference.start(kind)
    sentences = [decide(case.evidence).sentence for case in CASES.values() if case.kind == kind]
    assert not [sentence for sentence in sentences if not sentence.startswith(start)]
