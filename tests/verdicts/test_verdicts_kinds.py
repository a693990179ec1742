"""The table of kinds, and what the package imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from dag_factory.verdicts.kinds import KINDS, Kind

PACKAGE = Path(sys.modules["dag_factory.verdicts"].__file__ or "").parent
FORBIDDEN = ("airflow", "kubernetes", "click", "dag_factory.build", "dag_factory.cli", "dag_factory.cluster")


def test_every_kind_has_a_row() -> None:
    assert tuple(KINDS) == get_args(Kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row(kind: Kind) -> None:
    info = KINDS[kind]
    assert info.title[0].isupper() and not info.title.endswith(".")
    assert info.meaning.endswith(".") and info.what_to_do.endswith(".")
    assert info.advice[0].islower() and not info.advice.endswith(".")


def test_failures_that_are_not_the_jobs_own_use_no_retry() -> None:
    assert {kind for kind, info in KINDS.items() if not info.uses_retry} == {
        "evicted",
        "preempted",
        "node-lost",
        "quota",
    }


def test_the_package_imports_neither_airflow_nor_the_kubernetes_client() -> None:
    modules = [
        ".".join(["dag_factory.verdicts", *path.relative_to(PACKAGE).with_suffix("").parts])
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    ]
    code = f"import sys, importlib\nfor one in {modules}: importlib.import_module(one)\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in loaded if any(name == bad or name.startswith(f"{bad}.") for bad in FORBIDDEN)]
