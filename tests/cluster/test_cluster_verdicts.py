"""The verdict on a try that failed is the last line of its log, there is no stack trace, and no pod is left."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskDeferred
from kubernetes.client import models as k8s
from live import Live, until
from operators import context, operator_arguments

from dag_factory.build.worker.callbacks.eager_polling import EagerPolling
from dag_factory.build.worker.callbacks.worker_stop import CheckWorker
from dag_factory.build.worker.operator import PodOperator
from dag_factory.build.worker.tries import start_watch
from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.verdicts.history import KEY

MISSING = k8s.V1EnvVar(
    name="TOKEN", value_from=k8s.V1EnvVarSource(secret_key_ref=k8s.V1SecretKeySelector(name="nowhere", key="token"))
)
GPU = k8s.V1ResourceRequirements(limits={"nvidia.com/gpu": "1"}, requests={"nvidia.com/gpu": "1"})
INIT = k8s.V1Container(name="prepare", image="alpine:3", command=["sh", "-c", "echo no disk; exit 5"])

CASES: dict[str, tuple[dict[str, Any], str, str]] = {  # arguments, the verdict, a pattern above it
    "exit": ({"arguments": ["echo first; echo last; exit 3"]}, "exit code 3: the container failed after", "last"),
    "image": (
        {"image": "registry.example.com/nobody/has-this:1"},
        "image not found: ",
        r"waiting \d+s for the image: ",
    ),
    "secret": ({"env_vars": [MISSING]}, "configuration: secret `nowhere` does not exist", "waiting"),
    "gpu": (
        {"container_resources": GPU},
        "unschedulable: the pod requests 1 nvidia.com/gpu, and no node has any",
        r"waiting \d+s for a node: 0/1 nodes are available: 1 Insufficient nvidia\.com/gpu",
    ),
    "late": ({"container_resources": GPU, "schedule_timeout_seconds": 6}, "unschedulable: ", "waiting"),
    "init": ({"init_containers": [INIT]}, "exit code 5: the init container `prepare` failed", "no disk"),
    "output": (
        {"arguments": ["echo '{' > /airflow/xcom/return.json"], "do_xcom_push": True},
        "output invalid: /airflow/xcom/return.json is not valid JSON: line 2, column 1",
        "",
    ),
}


@pytest.fixture(scope="module")
def live(processes: Live) -> Live:
    return processes


def fail(live: Live, name: str, ctx: Any, **options: Any) -> TryFailed:
    """Run one try that fails, as the worker and the triggerer do."""
    arguments = {**operator_arguments(live, name, "true"), "startup_check_interval_seconds": 0.2, **options}
    task = PodOperator(
        dag=DAG("d", schedule=None),
        **arguments,
        callbacks=[CheckWorker(), EagerPolling()],
        log_events_on_failure=False,
        log_events_on_startup=False,
        fail_waiting_after=6,
    )

    async def first(trigger: Any) -> Any:
        return (await anext(trigger.run())).payload

    with pytest.raises(TryFailed) as failure:
        try:
            task.execute(ctx)
        except TaskDeferred as deferred:
            event = asyncio.run(asyncio.wait_for(first(deferred.trigger), 300))
            task.trigger_reentry(ctx, event)
    return failure.value


@pytest.mark.parametrize("deferrable", [False, True], ids=["waits", "defers"])
@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_the_last_line(
    live: Live, case: str, deferrable: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_watch, "NODE_GROWTH", 7)
    options, sentence, line = CASES[case]
    name = f"v-{case}-{deferrable}".lower()
    store: dict[str, Any] = {}
    ctx = {**context(name), "task_state_store": Store(store)}
    ended = fail(live, name, ctx, deferrable=deferrable, **options)
    logged = capsys.readouterr().out
    print(logged)
    assert ended.verdict.sentence.startswith(sentence)
    lines = [one for one in logged.splitlines() if one.strip()]
    assert "[error" in lines[-1] and sentence in lines[-1]
    assert logged.count("[error") == 1
    assert re.search(line, logged)
    for noise in ("Traceback", "HTTP response", "Pod Event", "returned a failure", "Trigger emitted"):
        assert noise not in logged
    [record] = store[KEY]["tries"]
    assert record["kind"] == ended.verdict.kind
    until(lambda: not [p for p in live.api.list_namespaced_pod("default").items if p.metadata.name.startswith(name)])


class Store:
    """The part of Airflow's task state store that the operator uses."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values, self.get = values, values.get
        self.set = values.__setitem__

    def delete(self, key: str) -> None:
        self.values.pop(key, None)
