"""At the end of a run: the pods of failed tasks that nothing watches end, and all other pods stay."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from live import Live, pod

from dag_factory.build.left_pods import LeftPods, delete_left_pods
from dag_factory.config.model import Cluster, Flavor, Job, Pipeline

FOREVER = "trap 'exit 1' TERM; while :; do sleep 0.1; done"
RUN = "manual__2026-01-01T00:00:00+00:00"


def job(name: str, keep_pod: Literal["never", "on_failure"] = "never") -> Job:
    return Job(name=name, flavor=Flavor(name="small"), image="alpine:3", keep_pod=keep_pod)


def pipeline(*jobs: Job) -> Pipeline:
    return Pipeline(
        id="growth.left",  # type: ignore[arg-type]
        team="growth",
        name="left",
        file="configs/pipelines/growth/left.yaml",
        environment="prod",
        cluster=Cluster(namespace="default"),
        jobs=jobs,
        start_date="2026-01-01",
    )


def start(live: Live, name: str, task: str, script: str = FOREVER, **labels: str) -> str:
    own = {"dag_id": "growth.left", "run_id": _label(), "task_id": task, "kubernetes_pod_operator": "True", **labels}
    live.create(pod(name, script, labels=own))
    live.phase(name, "Running" if script == FOREVER else "Succeeded")
    return name


def _label() -> str:
    from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

    return make_safe_label_value(RUN)


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int | None], str]:
    """The states of the tasks of the run, by task id and map index, as Airflow's API gives them."""
    found: dict[tuple[str, int | None], str] = {}

    def read(dag_id: str, map_index: int | None, task_ids: list[str], run_ids: list[str]) -> dict[str, dict[str, str]]:
        assert dag_id == "growth.left"
        [task] = task_ids
        name = task if map_index is None else f"{task}_{map_index}"
        return {run: {name: found[task, map_index]} for run in run_ids if (task, map_index) in found}

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(read))
    return found


def test_the_pod_of_a_failed_task_ends_and_no_other(live: Live, states: dict[Any, str]) -> None:
    start(live, "left-lost", "lost")
    start(live, "left-mapped", "each", map_index="1")
    start(live, "left-cleared", "cleared")
    start(live, "left-other-run", "lost", run_id="another")
    start(live, "left-stranger", "stranger")
    start(live, "left-done", "done", "true")
    start(live, "left-checked", "lost", "true", already_checked="True")
    states |= {("lost", None): "failed", ("each", 1): "failed", ("each", 2): "success", ("cleared", None): "queued"}
    states |= {("done", None): "failed", ("stranger", None): "failed"}
    of = pipeline(job("lost"), job("each"), job("cleared"), job("done"))
    try:
        assert sorted(delete_left_pods(of, RUN, live.api, patience=0)) == ["left-done", "left-lost", "left-mapped"]
        for name in ("left-lost", "left-mapped", "left-done"):
            live.gone(name)
        for name in ("left-cleared", "left-other-run", "left-stranger"):
            assert "deletionTimestamp" not in live.get(name)["metadata"]
        assert live.get("left-checked")["status"]["phase"] == "Succeeded"
        assert delete_left_pods(of, RUN, live.api, patience=0) == []
    finally:
        for name in ("left-cleared", "left-other-run", "left-stranger", "left-checked"):
            live.api.delete_namespaced_pod(name, "default")


def test_a_pod_that_must_be_kept_gets_a_deadline_and_is_not_deleted(live: Live, states: dict[Any, str]) -> None:
    start(live, "left-kept", "kept")
    states["kept", None] = "failed"
    of = pipeline(job("kept", keep_pod="on_failure"))
    assert delete_left_pods(of, RUN, live.api, patience=0) == ["left-kept"]
    found = live.get("left-kept")
    assert found["spec"]["activeDeadlineSeconds"] == 1
    assert "deletionTimestamp" not in found["metadata"]
    live.api.delete_namespaced_pod("left-kept", "default")


def test_no_access_to_the_cluster_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", '{"conn_type": "kubernetes", "extra": {"in_cluster": true}}')
    LeftPods(pipeline(job("a")))({"run_id": RUN})
    [line] = caplog.messages
    assert line.startswith(f"Cannot look for pods that the run {RUN} of growth.left left behind: ")
    assert line.endswith(" `dagf pods` shows them.")
