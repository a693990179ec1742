"""Evidence from JSON that is damaged or means something else, and from exceptions."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_verdicts_constructed import CASES
from verdict_cases import RECORDED, container, ended, load, pod_json

from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.evidence.json_values import LONGEST, time_of
from dag_factory.verdicts.evidence.model import Evidence, Failure
from dag_factory.verdicts.evidence.read_failure import read_failure, read_status
from dag_factory.verdicts.evidence.read_objects import read_events, read_nodes, read_pod
from dag_factory.verdicts.kinds import KINDS
from dag_factory.verdicts.rules.waits import waiting
from dag_factory.verdicts.verdict import LONGEST_SENTENCE, Verdict

WORDS = st.sampled_from(["OOMKilled", "Evicted", "Pending", "2026-11-21T10:00:00Z", "x" * 3000])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4) | WORDS
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
PODS = [load(name)["pod"] for name in RECORDED]
EVENTS = [load(name)["events"] for name in RECORDED]


def check(verdict: Verdict) -> None:
    assert verdict.kind in KINDS
    assert verdict.sentence and verdict.sentence.isprintable() and len(verdict.sentence) <= LONGEST_SENTENCE
    assert not verdict.sentence.endswith(".") or verdict.sentence.endswith("...")
    assert verdict.advice and not verdict.advice.endswith(".") and verdict.advice[0].islower()
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def judge(pod: Any, events: Any, nodes: Any = None, status: Any = None) -> Verdict:
    found = read_pod(pod)
    known = Evidence(
        pod=found,
        events=read_events(events, found.uid if found else ""),
        nodes=read_nodes(nodes),
        failure=read_status(status) if status is not None else None,
    )
    waiting(known.pod, known.events, 1)
    return decide(known)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_random_json_is_unknown(pod: Any, events: Any, nodes: Any) -> None:
    verdict = judge(pod, events, nodes)
    check(verdict)
    assert verdict.kind == "unknown"


@given(st.sampled_from(PODS), st.sampled_from(EVENTS), st.data())
def test_truncated_text_is_unknown(pod: Any, events: Any, data: st.DataObject) -> None:
    text = json.dumps(pod)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    verdict = judge(cut, json.dumps(events)[: len(cut)])
    check(verdict)
    assert verdict.kind == "unknown"


@settings(max_examples=300)
@given(st.sampled_from(PODS), st.sampled_from(EVENTS), st.data())
def test_a_pod_with_damaged_values_has_a_verdict(pod: Any, events: Any, data: st.DataObject) -> None:
    pod, events = json.loads(json.dumps(pod)), json.loads(json.dumps(events))
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = data.draw(st.sampled_from([pod, pod["metadata"], pod["spec"], pod["status"], *events]))
        while isinstance(place, (dict, list)) and place:
            key: Any = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
                place[key] = data.draw(ANYTHING)
                break
            place = place[key]
    check(judge(pod, events))


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_random_failures_have_a_verdict(name: Any, text: Any, code: Any, body: Any, seconds: Any) -> None:
    check(decide(Evidence(failure=read_failure(name, text, code=code, body=body, seconds=seconds))))
    check(decide(Evidence(failure=read_status(body, code))))


@given(st.text(), st.sampled_from(["ApiException", "OutputError", "PodLaunchTimeoutException", "x"]))
def test_random_texts_have_a_verdict(text: str, name: str) -> None:
    check(decide(Evidence(failure=read_failure(name, text))))


@pytest.mark.parametrize("name", CASES)
def test_the_form_of_a_verdict(name: str) -> None:
    check(decide(CASES[name].evidence))


def test_long_and_hostile_messages_stay_on_one_short_line() -> None:
    message = "\x1b[31mred\x1b[0m\r\nline\u2028\ud800 " + "x" * 9000
    pod = read_pod(pod_json(container(state=ended(1, message=message))))
    assert pod and pod.base and pod.base.end and len(pod.base.end.message) == LONGEST
    verdict = decide(Evidence(pod=pod))
    check(verdict)
    assert verdict.sentence.startswith("exit code 1: the container failed after 40s: xxx")
    assert len(verdict.sentence) < 300


def test_the_job_is_the_first_container_if_none_is_called_base() -> None:
    pod = read_pod(pod_json(container("main", ended(3)), container("other", ended(4))))
    assert pod and pod.base and pod.base.name == "main"


def test_events_of_both_apis() -> None:
    old = {"reason": "Pulling", "message": "a", "lastTimestamp": "2026-11-21T10:00:02Z"}
    new = {
        "reason": "FailedScheduling",
        "note": "b",
        "type": "Warning",
        "eventTime": "2026-11-21T10:00:01.123456Z",
        "series": {"count": 3, "lastObservedTime": "2026-11-21T10:00:05.000000Z"},
        "regarding": {"uid": "u1", "fieldPath": "spec.containers{base}"},
    }
    first, second = read_events([new, old], "u1")
    assert (first.message, second.message) == ("a", "b")
    assert (second.container, second.count, second.warning) == ("base", 3, True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1970-01-01T00:01:00Z", 60), ("1970-01-01T01:01:00+01:00", 60), ("soon", None), (7, None)]
)
def test_times(text: Any, seconds: float | None) -> None:
    assert time_of({"at": text}, "at") == seconds


API = (
    "(403)\nReason: Forbidden\nHTTP response headers: HTTPHeaderDict({'Audit-Id': 'a'})\nHTTP response body: "
    '{"kind":"Status","status":"Failure","message":"pods is forbidden","reason":"Forbidden","code":403}\n\n'
)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("airflow.sdk.exceptions.AirflowTaskTimeout", "Timeout", Failure(kind="task-timeout", text="Timeout")),
        (
            "PodLaunchTimeoutException",
            "Pod took too long to start. More than 120s. Check the pod events in kubernetes.",
            Failure(
                kind="launch-timeout",
                text="Pod took too long to start. More than 120s. Check the pod events in kubernetes.",
                seconds=120,
            ),
        ),
        (
            "PodLaunchTimeoutException",
            "Pod a/b reached the task's execution_timeout deadline while waiting for the pod to start.",
            Failure(
                kind="task-timeout",
                text="Pod a/b reached the task's execution_timeout deadline while waiting for the pod to start.",
            ),
        ),
        ("ApiException", API, Failure(kind="api", text="pods is forbidden", code=403, reason="Forbidden")),
        (
            "KubernetesApiException",
            "There was an error reading the kubernetes API: " + API,
            Failure(kind="api", text="pods is forbidden", code=403, reason="Forbidden"),
        ),
        ("MaxRetryError", "Connection refused", Failure(kind="api", text="Connection refused")),
        ("AirflowException", "Pod a returned a failure.", Failure(text="Pod a returned a failure.")),
        ("ValueError", "", Failure()),
    ],
)
def test_failures_from_exceptions(name: str, text: str, expected: Failure) -> None:
    assert read_failure(name, text) == expected


def test_a_failure_may_name_its_kind() -> None:
    text = "the pod is not created:\nx"
    assert read_failure("PodRefused", text, kind="guard") == Failure(kind="guard", text="the pod is not created: x")
