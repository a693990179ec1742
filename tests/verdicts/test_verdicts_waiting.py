"""What a pod waits for, as one line for the log."""

from __future__ import annotations

from typing import Any

import pytest
from verdict_cases import RECORDED, RUNNING, container, ended, event, evidence, load, pod_json, unscheduled, waits

from dag_factory.verdicts.evidence.model import Evidence
from dag_factory.verdicts.evidence.read_objects import read_pod
from dag_factory.verdicts.rules.waits import find_wait, waiting

GPU = (
    "0/5 nodes are available: 5 Insufficient nvidia.com/gpu. preemption: 0/5 nodes are available: 5 No preemption"
    " victims found for incoming pod."
)


def creating(*events: dict[str, Any]) -> Evidence:
    return evidence(pod_json(container(state=waits("ContainerCreating")), phase="Pending"), *events)


def queued(*events: dict[str, Any], **more: Any) -> Evidence:
    return evidence(pod_json(container(), phase="Pending", node="", **more), *events)


LINES: dict[str, tuple[Evidence, str]] = {
    "no GPU": (
        queued(conditions=(unscheduled(GPU),)),
        "a node: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu",
    ),
    "an event only": (
        queued(event("FailedScheduling", GPU)),
        "a node: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu",
    ),
    "a new node": (
        queued(event("TriggeredScaleUp", "pod triggered scale-up"), conditions=(unscheduled(GPU),)),
        "a new node: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu",
    ),
    "nothing known": (queued(), "a node"),
    "gates": (
        queued(
            spec={"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]},
            conditions=(unscheduled("Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"),),
        ),
        "its scheduling gates: `kueue.x-k8s.io/admission`",
    ),
    "scheduled": (evidence(pod_json(container(), phase="Pending")), "node n3 to start the pod"),
    "creating": (creating(), "the container to be created"),
    "pulling": (
        creating(event("Pulling", 'Pulling image "ghcr.io/acme/train:1"', "base", kind="Normal")),
        "the image `ghcr.io/acme/train:1` to be pulled",
    ),
    "pulled": (
        creating(
            event("Pulling", 'Pulling image "ghcr.io/acme/train:1"', "base", second=1, kind="Normal"),
            event("Pulled", "Successfully pulled image", "base", second=9, kind="Normal"),
        ),
        "the container to be created",
    ),
    "a volume": (
        creating(event("FailedMount", 'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32')),
        'a volume: MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32',
    ),
    "the network": (
        creating(
            event(
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox"
                ' "1f": no free IP addresses',
            )
        ),
        'node n3: failed to setup network for sandbox "1f": no free IP addresses',
    ),
    "an init container": (
        evidence(
            pod_json(
                container(state=waits("PodInitializing")),
                init=(container("done", ended(0)), container("fetch", RUNNING)),
                phase="Pending",
            )
        ),
        "the init container `fetch` to end",
    ),
    "an init container's secret": (
        evidence(
            pod_json(
                container(state=waits("PodInitializing")),
                init=(container("fetch", waits("CreateContainerConfigError", 'secret "db" not found')),),
                phase="Pending",
            )
        ),
        "the init container `fetch` to start: secret `db` does not exist",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_the_line(name: str) -> None:
    known, text = LINES[name]
    assert waiting(known.pod, known.events, 130.7) == f"waiting 2m10s for {text}"


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed"])
def test_a_pod_that_has_started_waits_for_nothing(phase: str) -> None:
    known = evidence(pod_json(container(state=RUNNING), phase=phase))
    assert waiting(known.pod, known.events, 5) == ""


def test_a_job_that_runs_while_the_image_of_a_sidecar_is_pulled_waits_for_nothing() -> None:
    known = evidence(pod_json(container(state=RUNNING), container("x", waits("ContainerCreating")), phase="Pending"))
    assert find_wait(known) is None


def test_the_time_is_never_negative() -> None:
    assert creating().pod and waiting(creating().pod, (), -3) == "waiting 0s for the container to be created"


def test_the_reason_changes_only_with_the_reason() -> None:
    wait = find_wait(LINES["no GPU"][0])
    assert wait and wait.reason_text in wait.line(10) and wait.reason_text in wait.line(70)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_pod_has_a_line_until_it_starts(name: str) -> None:
    pod = read_pod(load(name)["pod"])
    assert pod
    line = waiting(pod, (), 1)
    assert bool(line) == (pod.phase == "Pending")
    assert "\n" not in line
