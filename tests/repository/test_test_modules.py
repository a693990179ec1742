"""The names of the test modules."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_each_module_has_a_name_of_its_own() -> None:
    """Pytest imports test modules by name, so two with the same name cannot run together."""
    names = Counter(path.name for path in TESTS.rglob("*.py") if "fixtures" not in path.parts)
    assert [name for name, count in names.items() if count > 1 and name not in ("conftest.py", "__init__.py")] == []
