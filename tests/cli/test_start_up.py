"""What ``dagf`` imports: ``--help`` and ``check`` start quickly, and need neither Airflow nor a server."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("airflow", "fastapi", "jinja2", "jsonschema", "kubernetes", "psutil", "rich", "sqlalchemy", "uvicorn")
COMPILER = "dag_factory.config.pipelines"


def imported(statement: str) -> set[str]:
    """Return the names of all modules that a new process has after a statement."""
    code = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["up", "--help"], ["cluster", "fault", "--help"]])
def test_help_imports_nothing_slow(words: list[str]) -> None:
    found = imported(f"from dag_factory.cli.main import main; main({words!r})")
    assert found.isdisjoint(HEAVY)
    assert not [name for name in found if name.startswith((COMPILER, "dag_factory.cluster", "dag_factory.local"))]


def test_the_cluster_commands_import_no_server() -> None:
    found = imported("import dag_factory.cli.commands.cluster.up, dag_factory.cli.commands.cluster.fault")
    assert found.isdisjoint({"fastapi", "uvicorn", "psutil"})
