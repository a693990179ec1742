"""The flavor of each try of our operator: out of memory, the larger flavor, an eviction, a cleared task."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferred
from live import Live, running
from project_tasks import rendered_task

from dag_factory.build.worker.errors import PodRefused
from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.cluster import faults_client
from dag_factory.config.pod.labels import TRY_FLAVOR
from dag_factory.verdicts.history import KEY

FLAVORS = """\
version: 1
flavors:
  small: {cpu: 100m, memory: 128Mi, next: medium, annotations: {size: s}}
  medium:
    cpu: 100m
    memory: 256Mi
    cost_per_hour: 0.2
    next: large
    labels: {tier: big}
    annotations: {size: m}
    env: {THREADS: "{{ params.threads }}"}
    tolerations: [{key: big, operator: Exists}]
  large: {cpu: 100m, memory: 512Mi}
"""
RULES = """\
version: 1
rules:
  climb:
    retries: 3
    delay: 1s
    on:
      - {reason: OOMKilled, then: next_flavor}
      - {reason: Evicted, then: retry, delay: 2s}
"""
PIPELINE = """\
version: 1
params: {threads: {type: integer, default: 3}}
defaults: {docker_image: "alpine:3", resource_flavor: small, retries: climb, keep_pod: always}
jobs:
  train: {script: "echo threads=$THREADS; sleep 1", deferrable: DEFERRABLE}
"""


class Store(dict[str, Any]):
    """The part of Airflow's task state store that the operator uses."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("retries")) as found:
        yield found


@pytest.fixture(autouse=True)
def _clear_faults(faulty: Live) -> Iterator[None]:
    yield
    faults_client.clear(faulty.handle.state)


class Task:
    """One task instance: its tries run one after the other, each with a new operator, as in new processes."""

    def __init__(self, live: Live, home: Path, run: str, deferrable: bool = False, environment: str = "") -> None:
        self.live, self.home, self.run = live, home, run
        self.text = PIPELINE.replace("DEFERRABLE", str(deferrable).lower())
        self.store, self.max_tries = Store(), 3
        self.files = {"platform/flavors.yaml": FLAVORS, "platform/retries.yaml": RULES}
        if environment:
            self.files["platform/environments/dev.yaml"] = environment

    def operator(self, number: int) -> tuple[Any, dict[str, Any]]:
        task, ctx = rendered_task(self.live, self.home, self.text, "train", self.run, {"threads": 3}, self.files)
        task.poll_interval = 0.2
        ctx["task_state_store"] = self.store
        ctx["ti"].try_number, ctx["ti"].max_tries = number, self.max_tries
        ctx["ti"].get_previous_ti.return_value = None
        return task, ctx

    def fail(self, fault: str, number: int) -> BaseException:
        """Run a try that fails with this fault. Returns what ended it."""
        faults_client.fail_pods(self.live.handle.state, fault, "p-train-*")
        with pytest.raises((TryFailed, AirflowRescheduleException)) as failure:
            self.succeed(number)
        return failure.value

    def succeed(self, number: int) -> None:
        task, ctx = self.operator(number)
        try:
            task.execute(ctx)
        except TaskDeferred as deferred:
            trigger = deferred.trigger
        else:
            return

        async def first() -> Any:
            return (await anext(trigger.run())).payload

        event = asyncio.run(asyncio.wait_for(first(), 300))
        task, ctx = self.operator(number)  # another process
        task.trigger_reentry(ctx, event)

    def flavors(self) -> list[str]:
        return [record["flavor"] for record in self.store[KEY]["tries"]]

    def pods(self) -> list[Any]:
        """The pods of the tries that recorded one, in order."""
        names = [record["pod"] for record in self.store[KEY]["tries"] if "pod" in record]
        return [self.live.api.read_namespaced_pod(name, "default") for name in names]


@pytest.mark.parametrize("deferrable", [False, True], ids=["synchronous", "deferrable"])
def test_out_of_memory_then_evicted_keeps_the_larger_flavor(faulty: Live, tmp_path: Path, deferrable: bool) -> None:
    task = Task(faulty, tmp_path, f"climb-{deferrable}".lower(), deferrable)
    killed = task.fail("oom", 1)
    assert isinstance(killed, TryFailed)
    assert killed.next_try.sentence == "Next try: medium (100m CPU, 256Mi) in 1 s (rule climb, entry 1)"
    evicted = task.fail("evict", 2)
    assert isinstance(evicted, AirflowRescheduleException)
    task.succeed(2)
    assert task.flavors() == ["small", "medium", "medium"]
    assert task.store[KEY]["reschedules"] == 1
    small, *raised = task.pods()
    assert small.metadata.labels[TRY_FLAVOR] == "small" and small.metadata.annotations["size"] == "s"
    assert len(raised) == 2
    for pod in raised:
        assert pod.metadata.labels[TRY_FLAVOR] == "medium"
        assert pod.metadata.labels["dagwright/flavor"] == "small"  # the operator finds the pods of a task by it
        assert pod.metadata.labels["tier"] == "big"
        assert pod.metadata.annotations["size"] == "m"
        (base,) = pod.spec.containers
        assert base.resources.limits["memory"] == base.resources.requests["memory"] == "256Mi"
        assert [(one.name, one.value) for one in base.env] == [("THREADS", "3")]
        assert [one.key for one in pod.spec.tolerations if one.key == "big"] == ["big"]
    assert "threads=3" in faulty.log(raised[-1].metadata.name)


def test_a_cleared_task_starts_at_its_own_flavor(faulty: Live, tmp_path: Path) -> None:
    task = Task(faulty, tmp_path, "cleared")
    task.fail("oom", 1)
    task.max_tries = 4  # Airflow raises it by the number of tries before the clear
    task.succeed(2)
    assert task.flavors() == ["small"]


def test_the_second_climb(faulty: Live, tmp_path: Path) -> None:
    task = Task(faulty, tmp_path, "twice")
    task.fail("oom", 1)
    # The worker of try 2 was killed. Try 3 writes a record for it.
    task.fail("oom", 3)
    task.succeed(4)
    assert task.flavors() == ["small", "medium", "medium", "large"]
    *_, last = task.pods()
    assert not last.spec.containers[0].env  # `large` sets no variable
    assert not [one for one in last.spec.tolerations or () if one.key == "big"]
    assert "size" not in (last.metadata.annotations or {})


def test_the_guard_checks_the_pod_with_the_larger_flavor(faulty: Live, tmp_path: Path) -> None:
    task = Task(faulty, tmp_path, "guarded", environment="version: 1\ncluster: {namespace: default}\n")
    task.fail("oom", 1)
    # The maximum is lowered between two tries, but the chain is that of the stored pipeline.
    stricter, ctx = task.operator(2)
    from dag_factory.build.worker.callbacks.pod_guard import PodGuard
    from dag_factory.config.guard_rules import Guards, Limit

    stricter.callbacks[-1] = PodGuard(
        stricter.job.model, Guards(limits={"memory": Limit("the environment", "dev.yaml", 3, "200Mi")})
    )
    with pytest.raises(TryFailed) as failure:
        stricter.execute(ctx)
    assert failure.value.verdict.kind == "policy"
    assert "`medium` exceeds the maximum" in failure.value.verdict.sentence
    assert PodRefused.kind == "guard"
