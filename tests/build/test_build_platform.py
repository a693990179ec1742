"""From the text of the platform's files to the arguments that Airflow gets."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

FILES = {
    "platform/flavors.yaml": "version: 1\n"
    "flavors: {small: {cpu: 1, memory: 1Gi, next: large}, large: {cpu: 8, memory: 9Gi}}\n",
    "platform/environments/base.yaml": """\
        version: 1
        cluster: {namespace: ml, in_cluster: true}
        images: {mirrors: {docker.io: registry.example.com/hub}, forbid_latest: true}
        defaults: {job: {retries: transient}}
        """,
    "platform/environments/prod.yaml": "version: 1\nextends: base\n",
    "platform/environments/calm.yaml": "version: 1\nextends: base\nschedules: paused\n",
    "platform/environments/dev.yaml": "version: 1\nextends: base\nschedules: manual\nalerts: {enabled: false}\n",
    "platform/retries.yaml": """\
        version: 1
        rules:
          transient:
            {retries: 3, delay: 30s, backoff: exponential, max_delay: 10m, on: [{exit_code: 64, then: fail}]}
        """,
    "platform/alerts.yaml": "version: 1\nchannels: {oncall: {email: {to: [a@example.com]}}}\n",
    "platform/teams.yaml": "version: 1\nteams: {growth: {namespace: ml-growth, service_account: growth}}\n",
    "pipelines/growth/flow.yaml": """\
        version: 1
        schedule: "@daily"
        deadline: 2h
        defaults: {docker_image: "python:3.12", resource_flavor: small, alerts: {on_failure: [oncall]}}
        jobs: {a: {}, b: {retries: 5}}
        """,
}


@pytest.fixture
def dag(tmp_path: Path) -> Any:
    from dag_factory.build.loader import build
    from dag_factory.config import open_project

    for name, text in FILES.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    def built(environment: str) -> Any:
        compiled = open_project(tmp_path, environment).compile_all()
        assert not compiled.problems
        dags, problems = build(compiled.pipelines)
        assert not problems
        return dags["growth.flow"]

    return built


@pytest.mark.parametrize(
    ("environment", "paused", "scheduled"), [("prod", False, True), ("calm", True, True), ("dev", False, False)]
)
def test_schedules_in_an_environment(dag: Any, environment: str, paused: bool, scheduled: bool) -> None:
    built = dag(environment)
    assert built.is_paused_upon_creation is paused
    assert (type(built.timetable).__name__ != "NullTimetable") is scheduled


def test_a_pod_has_the_teams_namespace_and_account_and_a_mirrored_image(dag: Any) -> None:
    task = dag("prod").task_dict["a"]
    assert task.namespace == "ml-growth"
    assert task.service_account_name == "growth"
    assert task.image == "registry.example.com/hub/library/python:3.12"
    assert task.in_cluster is True


def test_a_retry_rule_and_a_number_that_overrides_its_count(dag: Any) -> None:
    tasks = dag("prod").task_dict
    assert [tasks[name].retries for name in "ab"] == [3, 5]
    assert {tasks[name].retry_delay.total_seconds() for name in "ab"} == {30}
    assert {tasks[name].max_retry_delay.total_seconds() for name in "ab"} == {600}
    assert {tasks[name].retry_exponential_backoff for name in "ab"} == {2.0}


def test_pages_and_callbacks(dag: Any) -> None:
    prod, dev = dag("prod"), dag("dev")
    assert "A run must succeed within 2h after it is queued (`deadline`)." in prod.doc_md
    assert "Its pods run in the namespace `ml-growth`." in prod.doc_md
    assert "- alerts are off in `dev`" in dev.doc_md
    page = prod.task_dict["b"].doc_md
    assert "Retries: 5, rule `transient`" in page
    assert "- after exit code 64: no retry" in page
    assert "- the next flavor, `large`, is not used: no retry rule has `then: next_flavor`" in page
    assert "- on failure: notify `oncall`" in page
    assert len(prod.task_dict["a"].on_failure_callback) == 1
    assert not dev.task_dict["a"].on_failure_callback


def test_the_serialized_dag_carries_it(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    first, second = (DagSerialization.to_dict(dag("prod")) for _ in range(2))
    assert first == second
    (task,) = (one["__var"] for one in first["dag"]["tasks"] if one["__var"]["task_id"] == "b")
    assert task["retries"] == 5
    assert task["namespace"] == "ml-growth"
