"""Airflow stores a new version of a DAG if its serialized form changes. Only edits that concern the DAG do that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loading import loaded, project, write

FLAVORS = """\
version: 1
flavors:
  small: {cpu: 1, memory: 1Gi, next: large}
  large: {cpu: 4, memory: 8Gi}
  other: {cpu: OTHER, memory: 2Gi}
"""
RETRIES = """\
version: 1
rules:
  memory: {retries: 2, delay: 10s, on: [{reason: OOMKilled, then: next_flavor}]}
  unused: {retries: UNUSED}
"""
ALERTS = """\
version: 1
channels:
  oncall: {email: {to: [ADDRESS]}}
  late: {email: {to: [late@x.example]}}  # Airflow stores the channels of a deadline with the DAG
"""
ENVIRONMENT = """\
version: 1
links: {source: "https://BRANCH.example.com/{path}#L{line}", pod: "https://BRANCH.example.com/{namespace}/{name}"}
"""
PIPELINE = """\
version: 1
schedule: '@daily'
deadline: {by: '07:00'}
alerts: {on_failure: [oncall], on_deadline: [late]}
defaults: {docker_image: 'a:1', resource_flavor: small, retries: memory, alerts: {on_failure: [oncall]}}
jobs:
  load: {timeout: 1h, when: '{{ params }}'}
  each: {depends_on: [load], for_each: {list: [a, b]}}
  late: {depends_on: [each], deferrable: true}
"""


def tables(home: Path, other: str = "1", unused: str = "3", address: str = "a@x.example", branch: str = "main") -> None:
    write(home, "platform/flavors.yaml", FLAVORS.replace("OTHER", other))
    write(home, "platform/retries.yaml", RETRIES.replace("UNUSED", unused))
    write(home, "platform/alerts.yaml", ALERTS.replace("ADDRESS", address))
    write(home, "platform/environments/local.yaml", ENVIRONMENT.replace("BRANCH", branch))


def version(home: Path) -> str:
    """What Airflow compares to decide whether a DAG needs a new version."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import DagSerialization

    return SerializedDagModel.hash(json.loads(json.dumps(DagSerialization.to_dict(loaded(home)["growth.fails"]))))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAG_FACTORY_HOME", str(tmp_path))
    found = project(tmp_path)
    tables(found)
    write(found, "pipelines/growth/fails.yaml", PIPELINE)
    return found


def test_twenty_parses_give_one_version(home: Path) -> None:
    assert len({version(home) for _ in range(20)}) == 1


@pytest.mark.parametrize(
    "edit", [{"other": "2"}, {"unused": "5"}, {"address": "b@x.example"}, {"branch": "develop"}], ids=str
)
def test_an_edit_of_a_table_that_does_not_concern_the_dag_gives_no_version(home: Path, edit: dict[str, str]) -> None:
    before = version(home)
    tables(home, **edit)
    assert version(home) == before


def test_a_comment_that_moves_the_jobs_gives_no_version(home: Path) -> None:
    before = version(home)
    write(home, "pipelines/growth/fails.yaml", f"# owned by growth\n{PIPELINE}")
    assert version(home) == before


def test_an_edit_that_changes_a_job_gives_a_version(home: Path) -> None:
    before = version(home)
    write(home, "pipelines/growth/fails.yaml", PIPELINE.replace("timeout: 1h", "timeout: 2h"))
    assert version(home) != before
