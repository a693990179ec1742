"""A last good version that breaks a newer, stricter rule: none of its jobs run, and the reason is shown everywhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from loading import CONTEXT, loaded, pipeline, project, row, write

from dag_factory.build.worker.try_failed import TryFailed

TEAMS = "platform/teams.yaml"
LOCAL = "platform/environments/local.yaml"
FLAVORS = "platform/flavors.yaml"
BROKEN = "version: ["
CHURN = "pipelines/growth/churn.yaml"
TWO_FLAVORS = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}, other: {cpu: 1, memory: 1Gi}}\n"
TIGHTENED = {
    "a revoked image": (LOCAL, "version: 1\nimages: {allowed: ['b:*']}\n", "image-not", f"{LOCAL}:2"),
    "a lower ceiling": (LOCAL, "version: 1\nflavors: {max: {cpu: 500m}}\n", "exceeds the maximum", f"{LOCAL}:2"),
    "a flavor that is gone": (FLAVORS, TWO_FLAVORS.replace("small", "tiny"), "`small` no longer exists", FLAVORS),
    "a team's flavors": (TEAMS, "version: 1\nteams: {growth: {flavors: [other]}}\n", "may not use", f"{TEAMS}:2"),
    "a team's images": (TEAMS, "version: 1\nteams: {growth: {images: ['b:*']}}\n", "does not allow", f"{TEAMS}:2"),
    "an account": (LOCAL, "version: 1\nservice_accounts: [other]\n", "the service account `default`", f"{LOCAL}:2"),
    "a schedule": (
        LOCAL,
        "version: 1\nlimits: {min_schedule_interval: 300d}\n",
        "at most one run every 300d",
        f"{LOCAL}:2",
    ),
    "a folder that is denied": (TEAMS, "version: 1\ndefault: deny\nteams: {sales: {}}\n", "no team owns", f"{TEAMS}:2"),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    project(tmp_path)
    write(tmp_path, FLAVORS, TWO_FLAVORS)
    assert all(dag.schedule is not None for dag in loaded(tmp_path).values())
    return tmp_path


def for_a_task(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The DAG that a worker parses to run a task of ``growth.churn``."""
    monkeypatch.setenv(CONTEXT, "growth.churn")
    found = loaded(home)["growth.churn"]
    monkeypatch.delenv(CONTEXT)
    return found


def outcome(dag: Any, **from_server: Any) -> str:
    """The error of each task of a DAG before its pod is created; empty if the task continues."""
    (task,) = dag.tasks
    ti = SimpleNamespace(try_number=1, max_tries=0, _ti_context_from_server=SimpleNamespace(**from_server))
    if task._pre_execute_hook is None:
        return ""
    try:
        task._pre_execute_hook({"task": task, "ti": ti, "params": {}, "dag": dag})
    except TryFailed as failure:
        assert failure.next_try.action == "fail"
        return failure.verdict.sentence
    return ""


@pytest.mark.parametrize(("file", "text", "reason", "place"), TIGHTENED.values(), ids=TIGHTENED)
@pytest.mark.parametrize("left", ["broken", "as it was"])
def test_a_tightened_rule_stops_the_last_good_version(
    home: Path, monkeypatch: pytest.MonkeyPatch, left: str, file: str, text: str, reason: str, place: str
) -> None:
    """Whether the author breaks the file, or does not change it."""
    if left == "broken":
        write(home, CHURN, BROKEN)
    before = (home / "configs" / file).read_text() if (home / "configs" / file).exists() else None
    write(home, file, text)
    reason = "does not allow the image" if reason == "image-not" else reason
    for _ in range(2):
        dag = loaded(home)["growth.churn"]
        assert dag.schedule is None and {"last good version", "stopped"} <= set(dag.tags)
        assert "Stopped: this version breaks current rules" in dag.doc_md and f"configs/{place}" in dag.doc_md
        report = row(home)
        assert "last-good-stopped: `growth.churn` is stopped" in report and f"configs/{place}" in report
        assert "Stopped because they break current rules: growth.churn" in report
        assert "Running their last good version" not in report
        for one in (dag, for_a_task(home, monkeypatch)):
            assert reason in outcome(one, next_method=None) and f"configs/{place}" in outcome(one, next_method=None)
            assert outcome(one, next_method="trigger_reentry") == ""  # its pod exists and is watched until it ends
    (home / "configs" / file).write_text(before) if before else (home / "configs" / file).unlink()
    dag = loaded(home)["growth.churn"]
    assert dag.schedule is not None and "stopped" not in dag.tags
    assert outcome(dag) == ""


def test_the_pods_of_a_last_good_version_run_in_the_current_namespace(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, LOCAL, "version: 1\ncluster: {namespace: old}\n")
    assert loaded(home)["growth.churn"].tasks[0].namespace == "old"
    write(home, CHURN, BROKEN)
    write(home, LOCAL, "version: 1\ncluster: {namespace: env, kubernetes_conn_id: other}\nschedules: manual\n")
    write(home, TEAMS, "version: 1\nteams: {growth: {namespace: new}}\n")
    for dag in (loaded(home)["growth.churn"], for_a_task(home, monkeypatch)):
        (task,) = dag.tasks
        assert (task.namespace, task.kubernetes_conn_id) == ("new", "other")
        assert dag.schedule is None and "stopped" not in dag.tags


def test_a_last_good_version_has_the_current_size_of_its_flavor(home: Path) -> None:
    write(home, CHURN, BROKEN)
    write(home, FLAVORS, TWO_FLAVORS.replace("cpu: 1", "cpu: 250m"))
    (task,) = loaded(home)["growth.churn"].tasks
    assert task.container_resources.limits["cpu"] == "250m"


def test_a_flavor_is_replaced_only_once_in_a_last_good_version(home: Path) -> None:
    write(home, FLAVORS, f"{TWO_FLAVORS[:-2]}, third: {{cpu: 1, memory: 1Gi}}}}\n")
    for text, flavor in (("small: other, other: third", "other"), ("small: third", "other"), ("other: third", "third")):
        write(home, LOCAL, f"version: 1\nflavors: {{replace: {{{text}}}}}\n")
        if flavor == "other" and "other:" in text:
            loaded(home)
            write(home, CHURN, BROKEN)
        (task,) = loaded(home)["growth.churn"].tasks
        assert task.labels["dagwright/flavor"] == flavor


@pytest.mark.parametrize("file", [LOCAL, FLAVORS, TEAMS])
def test_a_broken_platform_file_stops_no_pipeline(home: Path, file: str) -> None:
    write(home, file, BROKEN)
    dag = loaded(home)["growth.churn"]
    assert dag.schedule is not None and "last good version" in dag.tags and "stopped" not in dag.tags


def test_a_version_that_waits_to_be_compiled_must_meet_current_rules(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dag_factory.build.project import loader_deadline

    write(home, LOCAL, "version: 1\nimages: {allowed: ['b:*']}\n")
    monkeypatch.setattr(loader_deadline, "compile_seconds", lambda: 0.0)
    assert "does not allow the image" in outcome(loaded(home)["growth.churn"], next_method=None)


def test_every_kind_of_task_is_stopped(home: Path) -> None:
    job = "{docker_image: 'a:1', resource_flavor: small}"
    each = job.replace("{", "{for_each: {list: [a, b], as: ITEM}, ", 1)
    when = job.replace("{", "{when: '{{ params.x }}', ", 1)
    write(home, CHURN, f"version: 1\nparams: {{x: true}}\njobs:\n  each: {each}\n  maybe: {when}\n")
    loaded(home)
    write(home, CHURN, BROKEN)
    write(home, LOCAL, "version: 1\nimages: {allowed: ['b:*']}\n")
    dag = loaded(home)["growth.churn"]
    hooks = [task.partial_kwargs["pre_execute"] if task.is_mapped else task._pre_execute_hook for task in dag.tasks]
    assert [repr(hook) for hook in hooks] == ["Stopped()"] * 2


def test_an_edit_elsewhere_in_a_table_does_not_change_what_is_stored(home: Path) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    rule = "images: {allowed: ['b:*']}\n"
    write(home, CHURN, pipeline().replace("j0: {}", "j0: {for_each: {list: [a], as: ITEM}}"))
    loaded(home)
    write(home, CHURN, BROKEN)
    stored = []
    for text in (f"version: 1\n{rule}", f"version: 1\n\n{rule}"):
        write(home, LOCAL, text)
        data = DagSerialization.to_dict(loaded(home)["growth.churn"])
        stored.append([str(task) for task in data["dag"]["tasks"]])
    assert stored[0] == stored[1]


def test_a_last_good_version_gets_the_current_platform_settings(home: Path) -> None:
    """A field that the pipeline does not set breaks no rule: `restricted` and `limits` set it, as in a new version."""
    write(home, CHURN, BROKEN)
    write(home, LOCAL, "version: 1\npod_security: restricted\nlimits: {timeout: 1h, max_active_runs: 3}\n")
    dag = loaded(home)["growth.churn"]
    assert "stopped" not in dag.tags and "last good version" in dag.tags
    (task,) = dag.tasks
    assert task.security_context.run_as_non_root is True
    assert task.container_security_context.allow_privilege_escalation is False
    assert (task.execution_timeout.total_seconds(), dag.max_active_runs) == (3600, 3)


def test_an_environments_rule_applies_while_teams_yaml_is_broken(home: Path) -> None:
    write(home, TEAMS, BROKEN)
    assert "stopped" not in loaded(home)["growth.churn"].tags
    write(home, LOCAL, "version: 1\nimages: {allowed: ['b:*']}\n")
    assert "the environment `local` does not allow the image" in outcome(loaded(home)["growth.churn"], next_method=None)


def test_a_pipeline_that_cannot_be_checked_is_stopped_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dag_factory.config.project import current_rules

    write(home, CHURN, BROKEN)

    def fail(*_: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(current_rules, "final_pod", fail)
    dags = loaded(home)
    assert "it cannot be checked against the current rules" in outcome(dags["growth.churn"], next_method=None)
    assert "stopped" not in dags["growth.uplift"].tags
