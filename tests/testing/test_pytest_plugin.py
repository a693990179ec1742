"""The pytest plugin, with a real pytest in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner
from project_files import write

from dag_factory.cli.main import main

ROOT = Path(__file__).parents[2]
PLUGIN = "dag_factory.testing.plugin"
PIPELINE = """version: 1
schedule: "0 6 * * *"
timezone: Europe/Berlin
defaults: {docker_image: "example/hello:1", resource_flavor: cpu-small}
jobs:
  load: {script: "true"}
  train: {script: "true", depends_on: [load]}
  report: {script: "true", depends_on: [train]}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "project"
    assert CliRunner().invoke(main, ["init", str(home), "--ci", "none"]).exit_code == 0
    write(home, "pipelines/growth/churn.yaml", PIPELINE)
    return home


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder. An installation without the entry point loads the plugin by name."""
    is_installed = any(one.value == PLUGIN for one in entry_points(group="pytest11"))
    load = [] if is_installed else ["-p", PLUGIN]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--color=no", *load]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def run_test(home: Path, body: str, *arguments: str, fixture: str = "dagf_project") -> subprocess.CompletedProcess[str]:
    tests = home / "tests"
    tests.mkdir(exist_ok=True)
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (tests / "test_own.py").write_text(f"def test_own({fixture}):\n{lines}\n")
    (home / "pytest.ini").write_text("[pytest]\n")
    return run(home, *arguments)


def churn(home: Path, statement: str) -> str:
    """The output of a test with one statement about the pipeline `churn`."""
    return run_test(home, f"churn = dagf_project.pipelines('local')['growth.churn']\n{statement}").stdout


def test_the_documented_example_passes() -> None:
    result = run(ROOT, "examples/tests")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "test_every_pipeline_compiles[prod]" in run(ROOT, "examples/tests", "--collect-only").stdout


def test_importing_the_plugin_imports_no_compiler() -> None:
    code = f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["dag_factory", "dag_factory.testing", PLUGIN]


FAILURES = [
    (
        "churn.assert_order('report', 'load')",
        "`load` does not wait for `report` in growth.churn in local (configs/pipelines/growth/churn.yaml); "
        "it waits for nothing",
    ),
    (
        "churn.assert_graph({'load': [], 'train': [], 'score': []})",
        "score: expected, but there is no such job",
    ),
    ("churn.assert_schedule('@daily')", "is '0 6 * * *', expected '@daily'"),
    ("churn.assert_schedule('0 6 * * *', timezone='UTC')", "is Europe/Berlin, expected UTC"),
    ("churn.job('trian')", "`growth.churn` has no job `trian` in local; did you mean `train`?"),
    (
        "churn.job('train').assert_pod({'spec.containers[base].image': 'other:1'})",
        "spec.containers[base].image: 'example/hello:1', expected 'other:1'",
    ),
    (
        "churn.job('train').assert_pod({'spec.containers[base].imag': 'x'})",
        "not set, expected 'x'; did you mean `spec.containers[base].image`?",
    ),
    ("dagf_project.pipelines('local')['growth.chrun']", "did you mean `growth.churn`?"),
    ("dagf_project.pipelines('lokal')", "unknown environment `lokal`; did you mean `local`?"),
]
"""Statements about the pipeline `churn` with the message of their failure."""


def test_a_failure_says_what_is_there_and_where(home: Path) -> None:
    first = "churn = dagf_project.pipelines('local')['growth.churn']"
    tests = [
        f"def test_{number}(dagf_project):\n    {first}\n    {statement}\n"
        for number, (statement, _) in enumerate(FAILURES)
    ]
    (home / "test_own.py").write_text("\n".join(tests))
    (home / "pytest.ini").write_text("[pytest]\n")
    output = run(home).stdout
    assert f"{len(FAILURES)} failed" in output
    assert [message for _, message in FAILURES if message not in output] == []


def test_assertions_that_hold(home: Path) -> None:
    statement = """churn.assert_order('load', 'train', 'report')
churn.assert_order('load', 'report')
churn.assert_graph({'load': [], 'train': ['load'], 'report': ['train']})
churn.assert_schedule('0 6 * * *', timezone='Europe/Berlin')
churn.job('train').assert_pod({'spec.hostNetwork': None, 'spec.containers[base].name': 'base'})
assert churn.job('train').container['image'] == 'example/hello:1'
from datetime import datetime, timezone
runs = churn.next_runs(datetime(2026, 7, 1, tzinfo=timezone.utc), 2)
assert [one.isoformat() for one in runs] == ['2026-07-01T06:00:00+02:00', '2026-07-02T06:00:00+02:00']"""
    assert "1 passed" in churn(home, statement)


def test_a_broken_pipeline_fails_with_the_positions_of_its_errors(home: Path) -> None:
    write(home, "pipelines/growth/churn.yaml", PIPELINE.replace("cpu-small", "cpu-smal"))
    output = churn(home, "")
    assert "`growth.churn` has errors in local:" in output
    assert "configs/pipelines/growth/churn.yaml:4:" in output


def test_a_snapshot_is_written_compared_and_updated(home: Path) -> None:
    body = "dagf_snapshot.assert_match(dagf_project.pipelines('local')['growth.churn'])"

    def test(*arguments: str) -> str:
        return run_test(home, body, *arguments, fixture="dagf_project, dagf_snapshot").stdout

    assert "no snapshot of growth.churn in local" in test() and "--dagf-update-snapshots" in test()
    assert "1 passed" in test("--dagf-update-snapshots")
    assert (home / "tests/snapshots/local/growth.churn.yaml").exists()
    assert "1 passed" in test()
    write(home, "pipelines/growth/churn.yaml", PIPELINE.replace("hello:1", "hello:2"))
    output = test()
    assert "-    image: example/hello:1" in output and "+    image: example/hello:2" in output
    assert "1 passed" in test("--dagf-update-snapshots")
    assert "1 passed" in test()


def test_a_test_runs_in_each_environment(home: Path) -> None:
    write(home, "platform/environments/prod.yaml", "version: 1\nextends: local\n")
    assert "2 passed" in run_test(home, "assert dagf_pipelines['growth.churn']", fixture="dagf_pipelines").stdout


def test_outside_a_project_the_error_names_the_option(tmp_path: Path) -> None:
    result = run_test(tmp_path, "pass")
    assert "no configs/ folder in" in result.stdout + result.stderr and "--dagf-home" in result.stdout + result.stderr


def test_a_run_checks_its_request_before_it_starts_anything(home: Path) -> None:
    output = run_test(home, "dagf_run('growth.churn', 'trian')", fixture="dagf_run").stdout
    assert "no job `trian`" in output and not (home / ".dagf/run/airflow.json").exists()
