"""A loader's work limit: existing DAGs stay, new DAGs that exceed it wait, and the report names them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from loading import CONTEXT, DAGS, loaded, pipeline, project, row, write

BUDGET = "DAG_FACTORY_LOADER_WORK"
TWO, THREE = 3_600, 5_000  # units: about 1,450 for a pipeline of one job


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    return project(tmp_path)


def tasks(home: Path, file: str = "loader.py") -> dict[str, int]:
    return {dag_id: len(dag.tasks) for dag_id, dag in sorted(loaded(home, file).items())}


def test_a_new_pipeline_over_the_limit_waits_and_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUDGET, str(TWO))
    assert tasks(home) == {"growth.churn": 1, "growth.uplift": 1}
    assert row(home) == ""
    write(home, "pipelines/growth/aaa.yaml", pipeline())
    write(home, "pipelines/growth/heavy.yaml", pipeline(jobs=5))
    for _ in range(2):
        assert tasks(home) == {"growth.churn": 1, "growth.uplift": 1}
        report = row(home)
        assert "configs/pipelines/growth/heavy.yaml: over-budget: `growth.heavy` is not built" in report
        assert "configs/pipelines/growth/aaa.yaml: over-budget:" in report
        assert "divide the pipelines among several loaders" in report
    monkeypatch.setenv(BUDGET, str(THREE))
    assert tasks(home) == {"growth.aaa": 1, "growth.churn": 1, "growth.uplift": 1}
    assert "growth.aaa" not in row(home) and "growth.heavy" in row(home)
    monkeypatch.setenv(BUDGET, "100_000")
    assert len(tasks(home)) == 4
    assert row(home) == ""


def test_existing_dags_stay_when_the_limit_shrinks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(tasks(home)) == 2
    monkeypatch.setenv(BUDGET, "1000")
    assert len(tasks(home)) == 2
    assert "exceeds its limit of 1,000" in row(home)
    assert "Every pipeline runs." in row(home)


def test_a_pipeline_that_grows_over_the_limit_keeps_its_last_good_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BUDGET, str(TWO))
    tasks(home)
    write(home, "pipelines/growth/churn.yaml", pipeline(jobs=9))
    for _ in range(2):
        found = loaded(home)
        assert {dag_id: len(dag.tasks) for dag_id, dag in found.items()} == {"growth.churn": 1, "growth.uplift": 1}
        assert "last good version" in found["growth.churn"].tags
        assert "over-budget: `growth.churn` keeps running its last version" in row(home)
    write(home, "pipelines/growth/churn.yaml", pipeline(jobs=1, description="second"))
    assert loaded(home)["growth.churn"].description == "second"
    assert row(home) == ""


def test_a_worker_runs_the_version_that_the_loader_has(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines/growth/churn.yaml", pipeline(jobs=2))
    monkeypatch.setenv(BUDGET, str(TWO))
    tasks(home)
    larger = pipeline(jobs=9).replace("j1:", "other:").replace("description: first", "description: larger")
    write(home, "pipelines/growth/churn.yaml", larger)
    assert tasks(home)["growth.churn"] == 2
    with monkeypatch.context() as worker:
        worker.setenv(CONTEXT, "growth.churn")
        worker.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "j1")
        assert "j1" in loaded(home)["growth.churn"].task_ids
    monkeypatch.setenv(BUDGET, "100_000")
    assert tasks(home)["growth.churn"] == 9
    monkeypatch.setenv(CONTEXT, "growth.churn")
    assert loaded(home)["growth.churn"].description == "larger"


def test_an_upgrade_that_counts_more_units_removes_no_dag(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr("dag_factory.config.loader_work._JOB", 1)
        tasks(home)
    monkeypatch.setattr("dag_factory.config.storage.cache.package_fingerprint", lambda: b"another version")
    monkeypatch.setenv(BUDGET, "1000")
    assert len(tasks(home)) == 2
    assert "Every pipeline runs." in row(home)


def test_without_a_cache_the_largest_pipelines_wait(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", "off")
    monkeypatch.setenv(BUDGET, str(TWO))
    write(home, "pipelines/growth/aaa.yaml", pipeline(jobs=3))
    assert sorted(tasks(home)) == ["growth.churn", "growth.uplift"]
    assert "growth.aaa" in row(home)


def test_after_the_cache_is_lost_the_report_does_not_claim_that_a_dag_is_new(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "pipelines/growth/aaa.yaml", pipeline(jobs=3))
    assert "growth.aaa" in tasks(home)
    shutil.rmtree(home / "cache")
    monkeypatch.setenv(BUDGET, str(TWO))
    assert "growth.aaa" not in tasks(home)
    assert "over-budget: `growth.aaa` is not built: it adds" in row(home)
    assert "no DAG yet" not in row(home)


def test_each_shard_has_a_limit_and_one_report_covers_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DAGS / "loader.py").read_text().replace("import load\n", "import Shard, load\n")
    for index in range(2):
        (home / f"dags/loader_{index}.py").write_text(text.replace(".parent)", f".parent, Shard({index}, 2))"))
    for number in range(8):
        write(home, f"pipelines/growth/p{number}.yaml", pipeline())
    monkeypatch.setenv(BUDGET, str(TWO))
    built = [tasks(home, f"loader_{index}.py") for index in range(2)]
    assert [len(one) for one in built] == [2, 2]
    report = row(home)
    waiting = {"growth.churn", "growth.uplift", *(f"growth.p{n}" for n in range(8))} - {*built[0], *built[1]}
    assert all(f"over-budget: `{dag_id}` is not built" in report for dag_id in waiting)
    monkeypatch.delenv(BUDGET)
    assert sum(len(tasks(home, f"loader_{index}.py")) for index in range(2)) == 10
    assert row(home) == ""


@pytest.mark.parametrize(
    ("setting", "timeout", "units"),
    [
        ("", "50", 13_000_000),
        ("", "100", 26_000_000),
        ("", "0", 13_000_000),
        ("7_000", "100", 7_000),
        ("x", "50", 13_000_000),
    ],
)
def test_the_limit_grows_with_airflows_timeout(
    setting: str, timeout: str, units: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dag_factory.build.project import loader_deadline

    monkeypatch.setenv(BUDGET, setting)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", timeout)
    assert loader_deadline.work_limit() == units
