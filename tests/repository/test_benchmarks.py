"""``python -m benchmarks`` fails on a ratio that misses its target, and never on seconds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("value", "code"), [(0.9, 0), (1.1, 1)])
def test_exit_code_depends_on_ratios_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, code: int
) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY))
    main = importlib.import_module("benchmarks.__main__").main
    figure = importlib.import_module("benchmarks.measure").Figure
    figures = [figure("check_seconds", 3600.0), figure("check_ratio", value, 1.0)]
    monkeypatch.setattr("benchmarks.figures.check.measure", lambda _quick: figures)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "check"])
    assert main() == code
    printed, progress = capsys.readouterr()
    assert "| `check_seconds` | 3600 |  |  |" in printed
    assert f"| `check_ratio` | {value} | ≤ 1 | {'met' if code == 0 else '**missed**'} |" in printed
    assert (f"check_ratio is {value}; its target is at most 1." in progress) == bool(code)
    assert ("machine: make bench FIGURES=check" in progress) == bool(code)
