"""What ``dagf`` imports: ``--help`` and ``check`` start quickly, and need neither Airflow nor a server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click

from dag_factory.cli.main import main

HEAVY = ("airflow", "fastapi", "jinja2", "jsonschema", "kubernetes", "psutil", "rich", "sqlalchemy", "uvicorn")
COMPILER = "dag_factory.config.pipelines"


def imported(statement: str) -> set[str]:
    """Return the names of all modules that a new process has after a statement."""
    code = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    return set(done.stderr.split())


def test_the_help_of_all_commands_imports_nothing_slow() -> None:
    words = list(_every(main))
    assert ["new", "flavor"] in words
    found = imported(
        f"from dag_factory.cli.main import main; [main([*one, '--help'], standalone_mode=False) for one in {words!r}]"
    )
    assert found.isdisjoint(HEAVY)
    assert not [name for name in found if name.startswith((COMPILER, "dag_factory.cluster", "dag_factory.local"))]


def _every(group: click.Group, *path: str) -> Iterator[list[str]]:
    for name, command in group.commands.items():
        yield [*path, name]
        if isinstance(command, click.Group):
            yield from _every(command, *path, name)


def test_the_cluster_commands_import_no_server() -> None:
    found = imported("import dag_factory.cli.commands.cluster.up, dag_factory.cli.commands.cluster.fault")
    assert found.isdisjoint({"fastapi", "uvicorn", "psutil"})
