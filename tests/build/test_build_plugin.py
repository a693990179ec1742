"""The plugin prepares the scheduler's process and does nothing in other processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dag_factory.build import loader
from dag_factory.build.plugin import DagFactoryPlugin, in_scheduler
from dag_factory.build.project import build_dags
from dag_factory.build.scheduler import pool_watch, pools, prepare


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["/venv/bin/airflow", "scheduler"], True),
        (["/venv/bin/airflow", "scheduler", "-D", "--pid", "x"], True),
        (["/venv/lib/airflow/__main__.py", "scheduler"], True),
        (["airflow", "standalone"], False),
        (["airflow", "dag-processor"], False),
        (["airflow", "triggerer"], False),
        (["airflow", "api-server"], False),
        (["airflow", "dags", "list"], False),
        (["airflow", "tasks", "test", "scheduler", "x"], False),
        (["airflow", "celery", "worker"], False),
        (["pytest", "scheduler"], False),
        (["airflow"], False),
        ([], False),
    ],
)
def test_the_schedulers_command_line(arguments: list[str], want: bool) -> None:
    assert in_scheduler(arguments) is want


def test_a_process_that_the_scheduler_forks_is_not_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.parent_process", lambda: object())
    assert not in_scheduler(["airflow", "scheduler"])


def test_on_load_prepares_only_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(prepare, "prepare", lambda: calls.append(1))
    for command, count in (("triggerer", 0), ("scheduler", 1)):
        monkeypatch.setattr(sys, "argv", ["airflow", command])
        DagFactoryPlugin.on_load()
        assert len(calls) == count


def test_a_failing_step_does_not_keep_the_scheduler_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("no database")

    done: list[int] = []
    monkeypatch.setattr(prepare, "warm_up", broken)
    monkeypatch.setattr(prepare, "sync_pools", lambda: done.append(1))
    prepare.sync_pools.__name__ = "sync_pools"
    prepare.prepare()
    assert done == [1]
    assert "no database" in caplog.text


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import airflow.plugins_manager, sys; before = set(sys.modules);"
        "import dag_factory.build.plugin; print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=600)
    new = done.stdout.splitlines()[-1]
    assert "dag_factory.build.plugin" in new
    for heavy in ("kubernetes", "dag_factory.config", "jinja2", "scheduler"):
        assert heavy not in new


@pytest.mark.usefixtures("airflow_database")
def test_the_project_of_a_bundle_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, int]] = []
    monkeypatch.setattr(pools, "write_pools", written.append)
    monkeypatch.setenv("DAG_FACTORY_ENV", "local")
    prepare.sync_pools()
    assert written == []  # Airflow's own folder has no project beside it
    (tmp_path / "empty" / "dags").mkdir(parents=True)
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    folders = {"other": tmp_path / "empty/dags", "ours": Path(__file__).parents[2] / "dags"}
    bundles = [{"name": name, "classpath": local, "kwargs": {"path": str(path)}} for name, path in folders.items()]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))
    prepare.sync_pools()
    assert len(written) == 1 and written[0]


@pytest.mark.parametrize(("executor", "imported"), [("LocalExecutor", True), ("CeleryExecutor", False)])
def test_modules_are_imported_early_if_tasks_are_forked(
    executor: str, imported: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loader.build  # already imported, so its own imports are not counted here
    names: list[str] = []
    monkeypatch.setenv("DAG_FACTORY_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    monkeypatch.setattr(prepare.importlib, "import_module", names.append)
    prepare.warm_up()
    assert ("airflow.providers.cncf.kubernetes.operators.pod" in names) is imported


@pytest.mark.usefixtures("airflow_database")
def test_pools_are_created_and_resized_and_others_stay() -> None:
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        session.add(Pool(pool="mine", slots=3, description="by hand", include_deferred=False))
        session.add(Pool(pool="gpu", slots=1, description="by hand", include_deferred=False))
    for _ in range(2):
        pools.write_pools({"gpu": 8, "bulk": 16})
    with create_session() as session:
        found = {
            pool.pool: (pool.slots, pool.description, pool.include_deferred) for pool in session.scalars(select(Pool))
        }
    assert found["mine"] == (3, "by hand", False)
    assert found["gpu"] == (8, "by hand", False)
    assert found["bulk"] == (16, pools.POOL_NOTE, True)


@pytest.mark.usefixtures("airflow_database")
def test_a_new_pool_exists_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select

    flavors = tmp_path / "configs/platform/flavors.yaml"
    (tmp_path / "configs/platform/environments").mkdir(parents=True)
    (tmp_path / "configs/platform/environments/dev.yaml").write_text("version: 1\n")
    flavors.write_text("version: 1\npools: {}\nflavors: {small: {cpu: 1}}\n")
    monkeypatch.setenv("DAG_FACTORY_HOME", str(tmp_path))
    watch = pool_watch.PlatformWatch(lambda: tmp_path / "dags", pool_watch.write_in_process)
    assert not watch.update()
    flavors.write_text("version: 1\npools: {late: 7}\nflavors: {small: {cpu: 1}}\n")
    assert watch.update()
    with create_session() as session:
        (pool,) = session.scalars(select(Pool).where(Pool.pool == "late"))
        assert (pool.slots, pool.description) == (7, pools.POOL_NOTE)
    assert not watch.update()


def test_a_failed_write_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setenv("DAG_FACTORY_HOME", str(tmp_path))
    watch = pool_watch.PlatformWatch(lambda: tmp_path / "dags", lambda: next(answers))
    table = tmp_path / "configs/platform/flavors.yaml"
    table.parent.mkdir(parents=True)
    table.write_text("version: 1\n")
    assert [watch.update() for _ in range(3)] == [False, True, False]


def test_a_checkout_whose_link_is_replaced_is_noticed(tmp_path: Path) -> None:
    written: list[int] = []
    for name in ("one", "two"):
        (tmp_path / name / "configs/platform").mkdir(parents=True)
        (tmp_path / name / "configs/platform/flavors.yaml").write_text("version: 1\n")
    link = tmp_path / "current"
    link.symlink_to("one")
    watch = pool_watch.PlatformWatch(lambda: link / "dags", lambda: not written.append(1))
    link.unlink()
    link.symlink_to("two")
    assert watch.update() and not watch.update()


def test_there_is_one_watch_even_if_the_plugin_is_loaded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[pool_watch.PlatformWatch] = []
    monkeypatch.setattr(prepare, "_WATCHES", [])
    monkeypatch.setattr(pool_watch, "start", started.append)
    prepare.watch_pools()
    prepare.watch_pools()
    assert len(started) == 1


def test_a_dag_is_built_before_the_first_task_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids: list[str] = []
    real = build_dags.build_dag
    monkeypatch.setattr(build_dags, "build_dag", lambda pipeline, *how: ids.append(pipeline.id) or real(pipeline, *how))
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    monkeypatch.setenv("DAG_FACTORY_HOME", str(Path(__file__).parents[2]))
    monkeypatch.setenv("DAG_FACTORY_ENV", "local")
    prepare.warm_up()
    assert len(ids) == 1
    monkeypatch.setenv("DAG_FACTORY_HOME", str(tmp_path))
    prepare.warm_up()  # no project: the scheduler still starts
    assert len(ids) == 1
