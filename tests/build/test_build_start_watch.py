"""What the log says while a pod waits, and when a wait fails the try. The clock of these tests is a number."""

from __future__ import annotations

import pytest

from dag_factory.build.worker.tries.start_watch import Limits, StartWatch
from dag_factory.verdicts.evidence.model import Condition, Container, Evidence, Pod

NODE = {"nvidia.com/gpu": "0", "cpu": "4", "memory": "8Gi"}


def without_node(message: str) -> Evidence:
    """A pod that no node takes."""
    condition = Condition(type="PodScheduled", status="False", reason="Unschedulable", message=message)
    base = Container(name="base", role="base", source="", requests={"nvidia.com/gpu": "1"})
    return Evidence(pod=Pod(name="p", phase="Pending", conditions=(condition,), containers=(base,)))


def blocked(reason: str, message: str) -> Evidence:
    """A pod on a node, whose container waits."""
    base = Container(name="base", role="base", source="", state="waiting", reason=reason, message=message)
    return Evidence(pod=Pod(name="p", phase="Pending", node="n", containers=(base,)))


FULL = without_node("0/2 nodes are available: 2 Insufficient nvidia.com/gpu")
SECRET = blocked("CreateContainerConfigError", 'secret "key" not found')
SLOW = blocked("ErrImagePull", "failed to pull image: unexpected status: 503 Service Unavailable")
RUNNING = Evidence(pod=Pod(name="p", phase="Running", node="n"))


def test_a_line_when_the_reason_changes_and_otherwise_once_a_minute() -> None:
    watch = StartWatch(Limits(900, 900), 0)
    lines = {now: line for now in range(130) if (line := watch.look(FULL, now).line)}
    assert list(lines) == [3, 63, 123]
    assert lines[123] == (
        "waiting 2m3s for a node: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
        " The try fails after 15m of waiting."
    )
    fewer = without_node("0/1 nodes are available: 1 Insufficient nvidia.com/gpu")
    assert watch.look(fewer, 130).line == ""  # not sooner than 10 s after the line before
    assert (
        watch.look(fewer, 133).line
        == "waiting 2m13s for a node: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
        " The try fails after 15m of waiting."
    )


def test_a_pod_that_starts_quickly_adds_no_line() -> None:
    watch = StartWatch(Limits(900, 900), 0)
    assert [watch.look(FULL, now).line for now in (0, 1, 2)] == ["", "", ""]
    assert watch.look(RUNNING, 2).answer == "started"


def test_a_wait_that_cannot_end_fails_after_the_setting() -> None:
    watch = StartWatch(Limits(900, 900, final=20), 0)
    assert [watch.look(SECRET, now).answer for now in (5, 24, 25)] == ["wait", "wait", "never"]


def test_a_wait_that_heals_starts_from_the_beginning() -> None:
    watch = StartWatch(Limits(900, 900, final=20), 0)
    looks = [watch.look(*one).answer for one in ((SECRET, 0), (SLOW, 10), (SECRET, 15), (SECRET, 34), (SECRET, 35))]
    assert looks == ["wait", "wait", "wait", "wait", "never"]


@pytest.mark.parametrize(("final", "seconds"), [(20, 120), (300, 300)])
def test_a_pod_that_is_larger_than_every_node_waits_for_new_nodes(final: int, seconds: int) -> None:
    watch = StartWatch(Limits(900, 900, final=final), 0)
    evidence = Evidence(pod=FULL.pod, nodes=(NODE,))
    assert [watch.look(evidence, now).answer for now in (0, seconds - 1, seconds)] == ["wait", "wait", "never"]


def test_the_limits_for_a_node_and_for_the_start_count_one_after_the_other() -> None:
    watch = StartWatch(Limits(60, 30), 0)
    assert watch.look(FULL, 59).answer == "wait"
    assert watch.look(SLOW, 60).answer == "wait"
    assert watch.look(SLOW, 89).answer == "wait"
    late = watch.look(SLOW, 90)
    assert (late.answer, late.seconds) == ("too late", 30)
    assert StartWatch(Limits(60, 30), 0).look(FULL, 60).seconds == 60
