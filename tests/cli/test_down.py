"""``dagf down`` and ``make down`` stop what runs, even after the project, the environment or the Python changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from dag_factory.cli.main import main
from dag_factory.local import processes
from dag_factory.local.instance import Instance, _State

ROOT = Path(__file__).resolve().parents[2]


def test_stops_with_another_environment_and_a_broken_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs/platform/environments").mkdir(parents=True)
    (tmp_path / "configs/platform/environments/local.yaml").write_text("[")
    instance = Instance(tmp_path, tmp_path / ".dagf/up", "local", {})
    process = processes.start("scheduler", ["sleep", "600"], os.environ, instance.logs)
    instance._write(_State(8080, (process,)))
    monkeypatch.setenv("DAG_FACTORY_ENV", "nowhere")
    stopped = CliRunner().invoke(main, ["down", "--home", str(tmp_path)])
    assert (stopped.exit_code, stopped.output) == (0, "Stopped.\n")
    assert not process.alive


def test_make_down_runs_no_setup() -> None:
    plan = subprocess.run(["make", "-n", "down"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "dagf down" in plan.stdout
    assert "bootstrap" not in plan.stdout


def test_the_virtual_environment_does_not_depend_on_the_python_on_the_path() -> None:
    stamp = next(line for line in (ROOT / "scripts/bootstrap").read_text().splitlines() if line.startswith("stamp="))
    assert "python" not in stamp
