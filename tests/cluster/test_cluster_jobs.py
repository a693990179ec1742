"""The part of the jobs API that KubernetesJobOperator needs."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.providers.cncf.kubernetes.operators.job import KubernetesJobOperator
from kubernetes.client import ApiException
from live import Live, until
from operators import context, operator_arguments

JOBS = "/apis/batch/v1/namespaces/default/jobs"


def job(name: str, script: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "base", "image": "alpine:3", "command": ["sh", "-c", script]}
    template = {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}}
    body = {"template": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}


def _ended(live: Live, name: str) -> dict[str, Any]:
    def ended() -> Any:
        found = live.call("GET", f"{JOBS}/{name}")
        return any(c["type"] in ("Complete", "Failed") for c in found["status"].get("conditions", [])) and found

    found: dict[str, Any] = until(ended)
    return found


def _pods(live: Live, name: str) -> list[str]:
    selector = f"batch.kubernetes.io/job-name={name}"
    return [pod.metadata.name for pod in live.api.list_namespaced_pod("default", label_selector=selector).items]


def test_a_job_runs_pods_in_parallel_and_completes(live: Live) -> None:
    live.call("POST", JOBS, job("three", "echo hello", completions=3, parallelism=2))
    status = _ended(live, "three")["status"]
    assert status["succeeded"] == 3
    assert [c["type"] for c in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert len(_pods(live, "three")) == 3
    assert live.log(_pods(live, "three")[0]) == "hello\n"
    live.call("DELETE", f"{JOBS}/three", {"propagationPolicy": "Background"})
    until(lambda: not _pods(live, "three"))


def test_a_job_over_its_backoff_limit_fails(live: Live) -> None:
    live.call("POST", JOBS, job("bad", "exit 3", backoffLimit=0))
    status = _ended(live, "bad")["status"]
    assert (status["failed"], status["conditions"][-1]["reason"]) == (1, "BackoffLimitExceeded")


def test_a_job_over_its_deadline_fails_and_its_pods_are_deleted(live: Live) -> None:
    live.call("POST", JOBS, job("late", "sleep 60", activeDeadlineSeconds=1))
    assert _ended(live, "late")["status"]["conditions"][-1]["reason"] == "DeadlineExceeded"
    until(lambda: not _pods(live, "late"))


def test_a_job_with_the_restart_policy_always_is_rejected(live: Live) -> None:
    body = job("always", "true")
    body["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    with pytest.raises(ApiException, match="valid values") as failure:
        live.call("POST", JOBS, body)
    assert failure.value.status == 422


def test_the_job_operator(live: Live) -> None:
    options = operator_arguments(live, "jobop", "echo worked") | {"wait_until_job_complete": True}
    KubernetesJobOperator(**options, job_poll_interval=0.2).execute(context("jobop"))
    options = operator_arguments(live, "jobopbad", "exit 4") | {"wait_until_job_complete": True, "backoff_limit": 0}
    with pytest.raises(AirflowException, match="failed"):
        KubernetesJobOperator(**options, job_poll_interval=0.2).execute(context("jobopbad"))
