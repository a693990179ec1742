"""What the callback waits for at the end of a pod: a status that is updated late, as by a kubelet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import models as k8s

from dag_factory.build.worker.callbacks.eager_polling import EagerPolling


def pod(phase: str, ended: bool = True, *others: str) -> k8s.V1Pod:
    state = k8s.V1ContainerState(terminated=k8s.V1ContainerStateTerminated(exit_code=0) if ended else None)
    status = k8s.V1ContainerStatus(name="base", ready=False, restart_count=0, image="", image_id="", state=state)
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="p", namespace="n"),
        spec=k8s.V1PodSpec(containers=[k8s.V1Container(name=name) for name in ("base", *others)]),
        status=k8s.V1PodStatus(phase=phase, container_statuses=[status]),
    )


def looks(pods: list[k8s.V1Pod], output: bool = False, mode: str = "sync") -> int:
    """How many states of the pod the callback reads before the operator continues."""
    left = list(pods)
    client = SimpleNamespace(read_namespaced_pod=lambda *_: left.pop(0))
    operator: Any = SimpleNamespace(base_container_name="base", do_xcom_push=output, ISTIO_CONTAINER_NAME="istio-proxy")
    EagerPolling().on_pod_completion(pod=pods[0], client=client, mode=mode, operator=operator)
    return len(pods) - len(left)


RUNNING, ENDED, OVER = pod("Running", ended=False), pod("Running"), pod("Succeeded")


@pytest.mark.parametrize(
    ("pods", "output", "want"),
    [
        ([RUNNING, ENDED, OVER, OVER], False, 3),  # the phase that the operator would sleep for
        ([RUNNING, ENDED, OVER], True, 2),  # the container that reads the output outlives the job's own
        ([RUNNING, pod("Running", True, "istio-proxy"), OVER], False, 2),
        ([pod("Failed"), OVER], False, 1),
        ([RUNNING] * 9, False, 5),  # if the pod does not end, the operator waits
    ],
)
def test_it_polls_until_the_state_that_the_operator_waits_for(pods: list[k8s.V1Pod], output: bool, want: int) -> None:
    assert looks(pods, output) == want


def test_a_deferred_job_is_not_polled() -> None:
    assert looks([RUNNING], mode="async") == 0
