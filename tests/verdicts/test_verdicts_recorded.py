"""The verdict on each pod life that was recorded from a Kubernetes 1.33 cluster."""

from __future__ import annotations

from typing import Any

import pytest
from verdict_cases import RECORDED, load, recorded

from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.evidence.model import Evidence, Failure
from dag_factory.verdicts.evidence.read_failure import read_status
from dag_factory.verdicts.rules.waits import waiting

# kind, sentence, reasons, exit code, final, line while it waits
LIVES: dict[str, tuple[str, str, tuple[str, ...], int | None, bool, str]] = {
    "badimage": (
        "image-not-found",
        "image not found: `UPPER CASE:::` is not a valid image name",
        ("InvalidImageName",),
        None,
        True,
        "waiting 2m10s for the image: `UPPER CASE:::` is not a valid image name",
    ),
    "deadline": (
        "deadline",
        "deadline: the pod was active longer than its `activeDeadlineSeconds` of 2s (node vm)",
        ("DeadlineExceeded",),
        137,
        False,
        "",
    ),
    "delete-running": (
        "killed",
        "killed: the pod was deleted while the job ran (node vm, grace period 2s)",
        (),
        None,
        False,
        "",
    ),
    "deleted": ("killed", "killed: the pod was deleted while the job ran (node vm, grace period 2s)", (), 0, False, ""),
    "exits3": ("exit-code", "exit code 3: the container failed after less than 1s (node vm)", ("Error",), 3, False, ""),
    "gpu": (
        "unschedulable",
        "unschedulable: no node fits the pod: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu"
        " (flavor cpu-small)",
        ("Unschedulable",),
        None,
        False,
        "waiting 2m10s for a node: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu",
    ),
    "nocommand": (
        "start-failed",
        'start failed: the container could not start: exec: "/does/not/exist": stat /does/not/exist: no such file or'
        " directory (node vm)",
        ("StartError",),
        128,
        True,
        "",
    ),
    "noimage": (
        "image-not-found",
        "image not found: the registry has no image `registry.example.org/nope:1`",
        ("ImagePullBackOff", "ErrImagePull"),
        None,
        True,
        "waiting 2m10s for the image: the registry has no image `registry.example.org/nope:1`",
    ),
    "nosecret": (
        "config",
        "configuration: secret `missing` does not exist",
        ("CreateContainerConfigError",),
        None,
        True,
        "waiting 2m10s for the container to start: secret `missing` does not exist",
    ),
    "oom": (
        "out-of-memory",
        "out of memory: the container was killed at its limit of 32Mi (flavor cpu-small, node vm, exit code 137)",
        ("OOMKilled",),
        137,
        False,
        "",
    ),
    "sidecar": (
        "unknown",
        "unknown: the container ended with exit code 0, and the try failed afterwards",
        (),
        None,
        False,
        "",
    ),
    "sidecar-after-end": (
        "unknown",
        "unknown: the container ended with exit code 0, and the try failed afterwards",
        (),
        None,
        False,
        "",
    ),
    "succeeds": (
        "unknown",
        "unknown: the container ended with exit code 0, and the try failed afterwards",
        (),
        None,
        False,
        "",
    ),
    "toobig": (
        "unschedulable",
        "unschedulable: no node fits the pod: 0/1 nodes are available: 1 Insufficient memory (flavor cpu-small)",
        ("Unschedulable",),
        None,
        False,
        "waiting 2m10s for a node: 0/1 nodes are available: 1 Insufficient memory",
    ),
}

ERRORS = {
    "duplicate": ("api-error", 'API error: pods "succeeds" already exists (HTTP 409, AlreadyExists)', False),
    "bad name": ("api-error", 'API error: Pod "Bad_Name" is invalid: metadata.name: ', True),
    "bad quantity": ("api-error", 'API error: Pod in version "v1" cannot be handled as a Pod: quantities ', True),
    "request over limit": (
        "api-error",
        'API error: Pod "q" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or'
        " equal to cpu limit of 1 (HTTP 422, Invalid)",
        True,
    ),
    "no containers": (
        "api-error",
        'API error: Pod "q" is invalid: spec.containers: Required value (HTTP 422, Invalid)',
        True,
    ),
    "not json": ("api-error", "API error: the object provided is unrecognized (must be of type Pod): ", True),
    "get missing": ("killed", "killed: the pod was deleted while the job ran", False),
    "delete missing": ("killed", "killed: the pod was deleted while the job ran", False),
    "missing namespace": ("config", "configuration: namespace `nowhere` does not exist", True),
    "unknown resource": (
        "api-error",
        "API error: the server could not find the requested resource (HTTP 404, NotFound)",
        True,
    ),
    "no credentials": ("api-error", "API error: `system:anonymous` may not list pods (HTTP 403)", True),
}


def test_every_recorded_life_has_an_expected_verdict() -> None:
    assert sorted(LIVES) == RECORDED
    assert sorted(ERRORS) == sorted(load("errors"))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_life(name: str) -> None:
    kind, sentence, reasons, exit_code, is_final, line = LIVES[name]
    known = recorded(name, flavor="cpu-small")
    verdict = decide(known)
    assert verdict.sentence == sentence
    assert (verdict.kind, verdict.reasons, verdict.exit_code, verdict.is_final) == (kind, reasons, exit_code, is_final)
    assert verdict.uses_retry
    assert verdict.facts and all(fact.text and fact.source for fact in verdict.facts)
    assert waiting(known.pod, known.events, 130) == line


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_a_recorded_answer_of_the_api(name: str) -> None:
    kind, start, is_final = ERRORS[name]
    error: Any = load("errors")[name]
    verdict = decide(Evidence(failure=read_status(error["answer"], error["status"])))
    assert verdict.sentence.startswith(start)
    assert (verdict.kind, verdict.is_final) == (kind, is_final)


def test_events_of_an_older_pod_with_the_same_name_are_left_out() -> None:
    known = recorded("noimage")
    assert known.events and not any("ghcr.io/acme/none" in event.message for event in known.events)


def test_a_pod_that_is_deleted_because_of_the_timeout_is_a_timeout() -> None:
    failure = Failure(kind="task-timeout", text="Timeout, PID: 8")
    verdict = decide(recorded("delete-running", failure=failure, timeout=1800, flavor="cpu-small"))
    assert verdict.kind == "timeout"
    assert verdict.sentence == "timeout: the job ran longer than its timeout of 30m (flavor cpu-small, node vm)"


def test_a_pod_deadline_that_comes_from_the_timeout_is_a_timeout() -> None:
    verdict = decide(recorded("deadline", timeout=2))
    assert verdict.sentence == "timeout: the job ran longer than its timeout of 2s (node vm)"
    assert verdict.reasons == ("DeadlineExceeded",)
