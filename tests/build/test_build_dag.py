"""The keys of a pipeline reach the DAG."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
import pytest
from building import a_job, a_pipeline, built

from dag_factory.config import model


def dag_of(**fields: Any) -> Any:
    return built(a_pipeline(**fields))


def test_keys_of_a_dag() -> None:
    dag = dag_of(
        description="Nightly",
        end_date="2027-01-01",
        catchup=True,
        max_active_runs=3,
        max_active_jobs=5,
        timeout=3600,
        paused=True,
        tags=("ml",),
    )
    assert dag.dag_id == "growth.churn"
    assert dag.description == "Nightly"
    assert dag.catchup
    assert dag.max_active_runs == 3
    assert dag.max_active_tasks == 5
    assert dag.dagrun_timeout == timedelta(hours=1)
    assert dag.is_paused_upon_creation
    assert dag.tags == {"ml", "team:growth"}
    assert dag.end_date == pendulum.datetime(2027, 1, 1)


def test_a_missing_key_is_airflows_default() -> None:
    dag = dag_of()
    assert not dag.catchup
    assert dag.max_active_runs == 16
    assert dag.dagrun_timeout is None
    assert dag.is_paused_upon_creation is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-01", "2025-12-31T23:00:00+00:00"),
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00+00:00"),
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00+00:00"),
    ],
)
def test_dates_are_read_in_the_pipelines_timezone(text: str, utc: str) -> None:
    dag = dag_of(start_date=text, timezone="Europe/Berlin")
    assert dag.start_date == pendulum.parse(utc)
    assert dag.timezone.name == "Europe/Berlin"


@pytest.mark.parametrize(
    ("schedule", "kind", "summary"),
    [
        (model.Manual(), "NullTimetable", ""),
        (model.Preset(name="@once"), "OnceTimetable", ""),
        (model.Preset(name="@continuous"), "ContinuousTimetable", ""),
        (model.Preset(name="@daily"), "CronTriggerTimetable", "0 0 * * *"),
        (model.Cron(expressions=("0 3 * * *",)), "CronTriggerTimetable", "0 3 * * *"),
        (model.Every(seconds=43200), "DeltaTriggerTimetable", ""),
    ],
)
def test_schedules(schedule: model.Schedule, kind: str, summary: str) -> None:
    timetable = dag_of(schedule=schedule, timezone="Europe/Berlin").timetable
    assert type(timetable).__name__ == kind
    if summary:
        assert timetable.expression == summary
        assert str(timetable.timezone) == "Europe/Berlin"


def test_several_crons() -> None:
    timetable = dag_of(schedule=model.Cron(expressions=("0 3 * * *", "0 15 * * 1"))).timetable
    assert [one.expression for one in timetable.timetables] == ["0 3 * * *", "0 15 * * 1"]


def test_schedules_do_not_depend_on_airflows_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS", "True")
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_DELTA_DATA_INTERVALS", "True")
    for schedule in (model.Cron(expressions=("0 3 * * *",)), model.Every(seconds=60), model.Preset(name="@daily")):
        assert "Trigger" in type(dag_of(schedule=schedule).timetable).__name__


def test_the_form_of_a_run() -> None:
    params = (
        model.Param(
            name="folds",
            schema={"type": "integer", "title": "Folds", "minimum": 2, "section": "Training"},
            default=5,
            description="In how many parts",
        ),
        model.Param(name="region", schema={"type": "string", "enum": ["de", "fr"]}),
        model.Param(name="token", schema={"type": "string"}, required=True),
    )
    dag = dag_of(params=params)
    folds = dag.params.get_param("folds")
    assert folds.schema == {"type": "integer", "title": "Folds", "minimum": 2, "section": "Training"}
    assert folds.description == "In how many parts"
    assert folds.value == 5
    region = dag.params.get_param("region")  # may stay empty, so its schema must allow null
    assert region.resolve() is None
    assert region.schema == {"type": ["string", "null"], "enum": ["de", "fr", None]}
    assert not dag.params.get_param("token").has_value
    with pytest.raises(Exception, match="no default value"):
        dag.params.get_param("token").resolve()


def test_airflow_rejects_a_param_that_is_not_valid() -> None:
    wrong = model.Param(name="folds", schema={"type": "integer"}, default="many")
    with pytest.raises(Exception, match=r"growth\.churn"):
        dag_of(params=(wrong,), schedule=model.Preset(name="@daily"))


def test_it_passes_airflows_own_checks() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = built(a_pipeline(a_job("a"), a_job("b", depends_on=("a",))))
    dag.validate()
    dag.check_cycle()
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert sorted(again.task_dict) == ["a", "b"]


def test_a_run_has_the_params_although_no_task_stores_them() -> None:
    from airflow.sdk.definitions.param import process_params

    dag = dag_of(params=(model.Param(name="folds", schema={"type": "integer"}, default=5),))
    task = dag.task_dict["main"]
    assert not task.params
    assert process_params(dag, task, {}, suppress_exception=False) == {"folds": 5}
    assert process_params(dag, task, {"folds": 7}, suppress_exception=False) == {"folds": 7}
