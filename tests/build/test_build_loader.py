"""Airflow's DagBag reads ``dags/`` of a real project."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[2] / "dags"
CONTEXT = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"

GOOD = """version: 1
schedule: "0 3 * * *"
jobs:
  main: {resource_flavor: small, docker_image: "a:1"}
"""
BROKEN = GOOD.replace("resource_flavor: small", "resource_flavor: smal")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(DAGS, tmp_path / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    write(tmp_path, "platform/flavors.yaml", "version: 1\npools: {}\nflavors:\n  small: {cpu: 1, memory: 1Gi}\n")
    write(
        tmp_path,
        "platform/environments/local.yaml",
        "version: 1\ncluster: {namespace: ml}\ndefaults: {pipeline: {start_date: 2026-01-01}}\n",
    )
    write(tmp_path, "pipelines/growth/churn.yaml", GOOD)
    write(tmp_path, "pipelines/growth/uplift.yaml", GOOD)
    return tmp_path


def write(home: Path, file: str, text: str) -> None:
    path = home / "configs" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def bag(home: Path, file: str = "") -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=home / "dags" / file, bundle_path=home, bundle_name="b")


def test_every_pipeline_is_a_dag(home: Path) -> None:
    found = bag(home)
    assert sorted(found.dags) == ["growth.churn", "growth.uplift"]
    assert found.import_errors == {}


def test_files_that_were_not_compiled_are_reported_and_their_dags_keep_running(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dag_factory.build.project import loader_deadline

    monkeypatch.setenv("DAG_FACTORY_CACHE", str(home / "cache"))
    assert len(bag(home, "loader.py").dags["growth.churn"].tasks) == 1
    write(home, "pipelines/growth/churn.yaml", GOOD + "  more: {resource_flavor: small, docker_image: 'a:1'}\n")
    monkeypatch.setattr(loader_deadline, "compile_seconds", lambda: 0.0)
    assert len(bag(home, "loader.py").dags["growth.churn"].tasks) == 1
    (row,) = bag(home, "import_errors.py").import_errors.values()
    assert "Every pipeline runs." in row
    assert "dags: not-compiled-yet: 1 changed file was not compiled" in row
    assert "configs/pipelines/growth/churn.yaml" in row
    monkeypatch.undo()
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(home / "cache"))
    assert len(bag(home, "loader.py").dags["growth.churn"].tasks) == 2
    assert bag(home, "import_errors.py").import_errors == {}


@pytest.mark.parametrize(("given", "seconds"), [("30", 10), ("0", 17)], ids=["with a limit", "without one"])
def test_a_third_of_the_time_is_for_compiling(given: str, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from dag_factory.build.project import loader_deadline

    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", given)
    assert round(loader_deadline.compile_seconds()) == seconds


def test_a_worker_builds_the_task_that_it_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = "".join(f"  job{n}: {{resource_flavor: small, docker_image: 'a:1'}}\n" for n in range(9))
    write(home, "pipelines/growth/churn.yaml", f"version: 1\njobs:\n{jobs}")
    monkeypatch.setenv(CONTEXT, "growth.churn")
    monkeypatch.setenv(CONTEXT.replace("DAG_ID", "TASK_ID"), "job4")
    assert {name: list(dag.task_dict) for name, dag in bag(home, "loader.py").dags.items()} == {
        "growth.churn": ["job4"]
    }


def test_a_loader_near_its_timeout_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", "0")
    assert sorted(bag(home, "loader.py").dags) == ["growth.churn", "growth.uplift"]
    (row,) = bag(home, "import_errors.py").import_errors.values()
    assert "BrokenPipelines: Every pipeline runs." in row
    assert "dags: slow-loader: the loader took 0 s to build 2 DAGs" in row
    monkeypatch.delenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT")
    bag(home, "loader.py")
    assert not bag(home, "import_errors.py").import_errors


def test_the_file_of_a_dag_is_the_loader(home: Path) -> None:
    # Airflow looks for this file when it runs a task. The page of the DAG names the YAML file.
    dag = bag(home).dags["growth.churn"]
    assert dag.fileloc == os.fspath(home / "dags/loader.py")
    assert dag.relative_fileloc == "dags/loader.py"
    assert "configs/pipelines/growth/churn.yaml" in dag.doc_md


def test_a_broken_file_affects_only_its_dag_and_is_reported(home: Path) -> None:
    write(home, "pipelines/growth/uplift.yaml", BROKEN)
    found = bag(home)
    assert list(found.dags) == ["growth.churn"]
    assert list(found.import_errors) == ["dags/import_errors.py"]
    row = found.import_errors["dags/import_errors.py"]
    assert "BrokenPipelines: 1 file has errors; all other pipelines run." in row
    assert "configs/pipelines/growth/uplift.yaml:4:" in row
    assert ": unknown-flavor: " in row
    assert "at jobs.main.resource_flavor" in row
    assert "help: " in row
    assert "docker_image" not in row  # every viewer can read the row, so it quotes no line of a file
    assert "During handling" not in row


def test_a_fixed_file_is_not_reported(home: Path) -> None:
    write(home, "pipelines/growth/uplift.yaml", BROKEN)
    assert bag(home).import_errors
    write(home, "pipelines/growth/uplift.yaml", GOOD)
    assert not bag(home).import_errors


@pytest.mark.parametrize("name", ["loader.py", "import_errors.py"])
def test_airflow_reads_both_files(name: str) -> None:
    from airflow.utils.file import iter_airflow_imports, might_contain_dag

    assert might_contain_dag(os.fspath(DAGS / name), safe_mode=True)
    imported = list(iter_airflow_imports(os.fspath(DAGS / name)))
    pod = "airflow.providers.cncf.kubernetes.operators.pod"
    assert (pod in imported) == (name == "loader.py")
    assert len((DAGS / name).read_text().splitlines()) < 40


def test_a_worker_reads_one_pipeline(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines/growth/broken.yaml", BROKEN)
    monkeypatch.setenv(CONTEXT, "growth.churn")
    opened: list[str] = []
    listening = True  # an audit hook cannot be removed
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if listening and event == "open" else None)
    found = bag(home, "loader.py")
    listening = False
    seen = {Path(name).name for name in opened if "/configs/pipelines/" in name}
    assert list(found.dags) == ["growth.churn"]
    assert seen == {"churn.yaml"}


def test_a_worker_makes_no_report(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines/growth/churn.yaml", BROKEN)
    monkeypatch.setenv(CONTEXT, "growth.uplift")
    assert bag(home, "import_errors.py").import_errors == {}


def test_a_worker_logs_why_there_is_no_dag(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(home, "pipelines/growth/churn.yaml", BROKEN)
    monkeypatch.setenv(CONTEXT, "growth.churn")
    assert load(home) == {}
    assert "unknown-flavor" in caplog.text


def test_a_deleted_file_has_no_dag(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONTEXT, "growth.gone")
    assert load(home) == {}


def test_a_missing_environment_is_reported(home: Path) -> None:
    write(home, "platform/environments/prod.yaml", "version: 1\n")
    found = bag(home)
    assert found.dags == {}
    assert list(found.import_errors) == ["dags/import_errors.py"]
    assert "DAG_FACTORY_ENV" in found.import_errors["dags/import_errors.py"]


def test_the_environment_and_the_home_may_be_set(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "platform/environments/prod.yaml", "version: 1\ncluster: {namespace: prod}\n")
    monkeypatch.setenv("DAG_FACTORY_HOME", os.fspath(home))
    monkeypatch.setenv("DAG_FACTORY_ENV", "local")
    assert sorted(load(tmp_path_factory.mktemp("elsewhere"))) == ["growth.churn", "growth.uplift"]


def test_a_pipeline_that_airflow_rejects_affects_only_its_dag(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dag_factory.build.project import build_dags

    real = build_dags.build_dag

    def build_dag(pipeline: Any, *how: Any) -> Any:
        if pipeline.name == "churn":
            raise ValueError("no such thing")
        return real(pipeline, *how)

    monkeypatch.setattr(build_dags, "build_dag", build_dag)
    assert list(load(home)) == ["growth.uplift"]
    assert "configs/pipelines/growth/churn.yaml: build-failed:" in caplog.text
    assert "ValueError: no such thing" in caplog.text
    # the report is made in another process, and has the failure until the pipeline is built again
    row = bag(home, "import_errors.py").import_errors["dags/import_errors.py"]
    assert "configs/pipelines/growth/churn.yaml: build-failed:" in row
    monkeypatch.setattr(build_dags, "build_dag", real)
    assert len(load(home)) == 2
    assert not bag(home, "import_errors.py").import_errors


def load(home: Path) -> dict[str, Any]:
    from dag_factory.build.loader import load as load_dags

    return load_dags(home / "dags")


def test_a_long_report_is_cut() -> None:
    from dag_factory.build.project.problem_text import MAX_PROBLEMS, problem_text
    from dag_factory.config.problems import Problem

    report = problem_text([Problem("a.yaml", n, 1, "code", "message") for n in range(1, MAX_PROBLEMS + 6)], "Head")
    assert report.startswith("Head\n\na.yaml:1:1: code: message\n\n")
    assert "and 5 more" in report


def test_a_report_fits_its_database_column() -> None:
    from dag_factory.build.project.problem_text import problem_text
    from dag_factory.config.problems import Problem

    report = problem_text([Problem("a.yaml", n, 1, "code", "ä" * 1_000) for n in range(1, 101)], "Head")
    assert 50_000 < len(report.encode()) < 65_535
    shown = report.count("code:")
    assert f"... and {100 - shown} more" in report


def test_the_dags_folder_may_be_a_link(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags").symlink_to(home / "dags")
    found = bag(folder)
    assert sorted(found.dags) == ["growth.churn", "growth.uplift"]
    assert not found.import_errors
