"""A pipeline that passes every check but is rejected by Airflow: its last good version runs, and the report says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loading import CONTEXT, bag, full_disk, loaded, pipeline, project, row, write

from dag_factory.config.budget import OutOfTime

FILE = "configs/pipelines/growth/churn.yaml"
ROW = f"{FILE}: build-failed: Airflow rejects `growth.churn`: ValueError: no such thing"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    return project(tmp_path)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The DAGs that are built, in order; Airflow rejects those with the description `refused`."""
    from dag_factory.build.project import build_dags

    real, made = build_dags.build_dag, list[str]()

    def build_dag(what: Any, *how: Any) -> Any:
        made.append(what.id)
        if what.description == "refused":
            raise ValueError("no such thing")
        return real(what, *how)

    monkeypatch.setattr(build_dags, "build_dag", build_dag)
    yield made


@pytest.mark.usefixtures("built")
def test_the_last_good_version_runs_and_is_never_the_rejected_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(home)
    write(home, "pipelines/growth/churn.yaml", pipeline(description="refused"))
    for _ in range(2):
        found = loaded(home)
        assert found["growth.churn"].description == "first"
        assert "last good version" in found["growth.churn"].tags
        assert "code `build-failed`" in found["growth.churn"].doc_md
        report = row(home)
        assert ROW in report and "Running their last good version: growth.churn." in report
    monkeypatch.setenv(CONTEXT, "growth.churn")
    assert loaded(home)["growth.churn"].description == "first"
    monkeypatch.delenv(CONTEXT)
    write(home, "pipelines/growth/churn.yaml", "version: [")
    assert loaded(home)["growth.churn"].description == "first"
    write(home, "pipelines/growth/churn.yaml", pipeline(description="second"))
    assert loaded(home)["growth.churn"].description == "second"
    assert row(home) == ""


@pytest.mark.usefixtures("built")
def test_a_pipeline_that_was_never_built_has_no_dag(home: Path) -> None:
    write(home, "pipelines/growth/churn.yaml", pipeline(description="refused"))
    assert list(loaded(home)) == ["growth.uplift"]
    assert ROW in row(home) and "Without a DAG: growth.churn." in row(home)
    write(home, "pipelines/growth/churn.yaml", "version: [")
    assert list(loaded(home)) == ["growth.uplift"]


@pytest.mark.parametrize("cache", ["another", "off"])
def test_the_report_needs_no_cache_of_the_loader(
    home: Path, built: list[str], cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "pipelines/growth/churn.yaml", pipeline(description="refused"))
    loaded(home)
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(home / "elsewhere") if cache == "another" else "off")
    assert ROW in row(home)
    built.clear()
    assert ROW in row(home)
    assert built == ([] if cache == "another" else ["growth.churn", "growth.uplift"])


def test_a_build_that_was_interrupted_is_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_dag(*_: Any) -> Any:
        raise OutOfTime

    with monkeypatch.context() as slow:
        slow.setattr("dag_factory.build.project.build_dags.build_dag", build_dag)
        assert "too-slow" in row(home)
    assert row(home) == ""


@pytest.mark.usefixtures("built")
def test_a_pipeline_that_a_loader_built_is_not_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines/growth/churn.yaml", pipeline(description="refused"))
    assert ROW in row(home)
    monkeypatch.undo()  # such as another version of a library that is not in the digest
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(home / "cache"))
    assert len(loaded(home)) == 2
    assert row(home) == ""


def test_the_report_does_not_build_what_a_loader_built(home: Path, built: list[str]) -> None:
    loaded(home)
    built.clear()
    assert row(home) == ""
    assert built == []
    write(home, "pipelines/growth/churn.yaml", pipeline(description="second"))
    assert row(home) == ""
    assert built == ["growth.churn"]
    assert row(home) == ""
    assert built == ["growth.churn"]


def test_records_of_another_airflow_version_are_ignored(
    home: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dag_factory.build.project import build_failures

    loaded(home)
    monkeypatch.setattr(build_failures, "builder_digest", lambda: "another")
    built.clear()
    assert row(home) == ""
    assert sorted(built) == ["growth.churn", "growth.uplift"]


@pytest.mark.usefixtures("built")
def test_a_version_that_cannot_be_built_anymore_is_reported_as_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(home)
    write(home, "pipelines/growth/churn.yaml", "version: [")
    assert "Running their last good version: growth.churn." in row(home)
    from dag_factory.build.project import build_dags

    def refuse(what: Any, *_how: Any) -> Any:
        raise ValueError(f"no {what.id}")

    monkeypatch.setattr(build_dags, "build_dag", refuse)
    assert loaded(home) == {}
    report = row(home)
    assert "Without a DAG: growth.churn" in report and "Running their" not in report


def test_on_a_full_disk_the_report_lists_running_and_missing_dags(home: Path) -> None:
    from dag_factory.build.report import check

    loaded(home)
    write(home, "pipelines/growth/late.yaml", pipeline())
    with full_disk():  # the log, too, so nothing here may write to it
        assert sorted(loaded(home)) == ["growth.churn", "growth.late", "growth.uplift"]
        for name in ("late", "churn"):
            os.truncate(home / f"configs/pipelines/growth/{name}.yaml", 0)
        assert sorted(loaded(home)) == ["growth.churn", "growth.uplift"]
        report = str(check(home / "dags"))
    assert "cache-unwritable: the cache cannot be written: File too large" in report
    assert "Running their last good version: growth.churn. Without a DAG: growth.late." in report
    assert "cache-unwritable" not in row(home)


@pytest.mark.parametrize("kind", ["a file in its place", "a folder that others may write to"])
def test_an_unusable_cache_is_reported(home: Path, kind: str) -> None:
    if kind == "a file in its place":
        (home / "cache").write_text("")
    else:
        loaded(home)
        next((home / "cache").iterdir()).chmod(0o777)
    assert "cache-unwritable" in row(home) and "Every pipeline runs." in row(home)


def test_a_cache_that_is_off_is_not_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", "off")
    assert not bag(home, "import_errors.py").import_errors
