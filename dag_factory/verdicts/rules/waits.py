"""Pods that have not started: what they wait for, and whether that wait can end."""

from __future__ import annotations

import msgspec

from dag_factory.verdicts.evidence.model import Container, Event, Evidence, Pod
from dag_factory.verdicts.kinds import Kind
from dag_factory.verdicts.rules import configuration
from dag_factory.verdicts.rules.images import pull_failure
from dag_factory.verdicts.rules.phrases import cause, clause, details, name_of, seconds_text
from dag_factory.verdicts.rules.scheduling import new_node_is_coming, scheduler_message, too_large
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_NOT_STARTED = ("", "ContainerCreating", "PodInitializing")
_VOLUMES = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_NODE_TROUBLE = ("FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady", "FailedCreatePodContainer")
_PREFIXES: dict[Kind, str] = {
    "image-not-found": "image not found",
    "image-denied": "image denied",
    "unschedulable": "unschedulable",
    "config": "configuration",
    "start-failed": "start failed",
}


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """What a pod waits for.

    ``subject`` and ``detail``: ``a node``, ``0/5 nodes are available: ...``. ``kind``, ``sentence`` and the other
    fields are those of the verdict if the pod never starts. ``is_final``: the wait cannot end by itself.
    """

    subject: str
    detail: str
    kind: Kind
    sentence: str
    facts: tuple[Fact, ...] = ()
    advice: str = ""
    reasons: tuple[str, ...] = ()
    container: str = ""
    is_final: bool = False

    @property
    def reason_text(self) -> str:
        """What the pod waits for, without the time: it changes when the reason changes."""
        return f"{self.subject}: {self.detail}" if self.detail else self.subject

    def line(self, seconds: float) -> str:
        """One line for the log."""
        return f"waiting {seconds_text(seconds)} for {self.reason_text}"


def waiting(pod: Pod | None, events: tuple[Event, ...], seconds: float) -> str:
    """Why the pod still waits, as one line for the log; an empty string if it waits for nothing."""
    wait = find_wait(Evidence(pod=pod, events=events))
    return wait.line(seconds) if wait else ""


def find_wait(evidence: Evidence) -> Wait | None:
    """What the pod waits for; None if it does not wait."""
    pod = evidence.pod
    if pod is None or pod.phase not in ("Pending", "Running"):
        return None
    if pod.phase == "Pending" and not pod.node:
        return _unscheduled(evidence, pod)
    for container in pod.containers:
        if container.state == "waiting" and container.reason not in _NOT_STARTED:
            return _blocked(evidence, container)
    if pod.phase == "Running" or (pod.base is not None and pod.base.state in ("running", "terminated")):
        return None
    for container in pod.containers:
        if container.role == "init" and container.state == "running" and not container.restarts_always:
            return _simple(f"the init container `{container.name}` to end", "", pod.phase)
    return _not_created(evidence, pod)


def verdict_of(wait: Wait, after: str = "", flavor: str = "") -> Verdict:
    """The verdict on a pod that never started. ``after`` says which time limit passed."""
    named = f"flavor {flavor}" if flavor and wait.kind == "unschedulable" else ""
    return make_verdict(
        wait.kind,
        f"{_PREFIXES.get(wait.kind, wait.kind)}: {wait.sentence}{details(named, after)}",
        wait.facts,
        advice=wait.advice,
        reasons=wait.reasons,
        container=wait.container,
        is_final=wait.is_final,
    )


def _unscheduled(evidence: Evidence, pod: Pod) -> Wait:
    condition = pod.condition("PodScheduled")
    event = next(evidence.events_of("FailedScheduling"), None)
    message = condition.message if condition else ""
    facts = [Fact(clause(message), condition.source)] if condition and message else []
    if not message and event is not None:
        message = event.message
        facts = [Fact(clause(message), event.source)]
    if pod.gates or (condition and condition.reason == "SchedulingGated"):
        gates = ", ".join(f"`{gate}`" for gate in pod.gates)
        sentence = f"the pod has scheduling gates that nobody removed: {gates}" if gates else clause(message)
        fact = Fact(sentence, "pod.spec.schedulingGates")
        return _wait("its scheduling gates", gates, "unschedulable", sentence, [fact], ["SchedulingGated"])
    if missing := configuration.describe(message):
        return _wait("a node", missing, "config", missing, facts, ["Unschedulable"], is_final=True)
    if not message:
        return _wait("a node", "", "unschedulable", "no scheduler has looked at the pod", facts, [])
    detail = clause(scheduler_message(message))
    if new_node_is_coming(evidence):
        return _wait("a new node", detail, "unschedulable", f"no node fits the pod: {detail}", facts, ["Unschedulable"])
    if too_big := too_large(pod, evidence.nodes):
        facts.append(Fact(too_big, "nodes"))
        sentence = f"{too_big} ({detail})"
        return _wait("a node", sentence, "unschedulable", sentence, facts, ["Unschedulable"], is_final=True)
    return _wait("a node", detail, "unschedulable", f"no node fits the pod: {detail}", facts, ["Unschedulable"])


def _blocked(evidence: Evidence, container: Container) -> Wait:
    text = ": ".join(filter(None, (container.reason, clause(container.message))))
    facts = [Fact(text, f"{container.source}.state.waiting")]
    name = container.name
    whose = "" if container.role == "base" else f" ({name_of(container)})"
    if pull := pull_failure(container, evidence):
        return Wait(
            subject=f"the image{whose}",
            detail=pull.sentence,
            kind=pull.kind,
            sentence=f"{pull.sentence}{whose}",
            facts=tuple(facts),
            advice=pull.advice,
            reasons=pull.reasons,
            container=name,
            is_final=pull.is_final,
        )
    subject = f"{name_of(container)} to start"
    if missing := configuration.describe(container.message):
        sentence = f"{missing}{whose}"
        return _wait(subject, missing, "config", sentence, facts, [container.reason], container=name, is_final=True)
    why = cause(container.message) or container.reason
    sentence = f"{name_of(container)} could not start: {why}"
    return _wait(subject, why, "start-failed", sentence, facts, [container.reason], container=name)


def _not_created(evidence: Evidence, pod: Pod) -> Wait:
    newest = next(evidence.events_of(*_VOLUMES, *_NODE_TROUBLE, "Pulling", "Pulled", "Created", "Started"), None)
    if newest is not None and newest.reason in (*_VOLUMES, *_NODE_TROUBLE):
        facts = [Fact(clause(newest.message), newest.source)]
        if missing := configuration.describe(newest.message):
            return _wait("a volume", missing, "config", missing, facts, [newest.reason], is_final=True)
        why = cause(newest.message)
        subject = "a volume" if newest.reason in _VOLUMES else f"node {pod.node}"
        return _wait(subject, why, "start-failed", f"the pod could not start: {why}", facts, [newest.reason])
    if newest is not None and newest.reason == "Pulling":
        image = newest.message.partition('"')[2].rstrip('"')
        return _simple(f"the image `{image}` to be pulled" if image else "the image to be pulled", "", pod.phase)
    if not any(container.state for container in pod.containers):
        return _simple(f"node {pod.node} to start the pod", "", pod.phase)
    return _simple("the container to be created", "", pod.phase)


def _simple(subject: str, detail: str, phase: str) -> Wait:
    sentence = f"the pod still waited for {subject}"
    return _wait(subject, detail, "start-failed", sentence, [Fact(f"phase {phase}", "pod.status.phase")], [])


def _wait(
    subject: str,
    detail: str,
    kind: Kind,
    sentence: str,
    facts: list[Fact],
    reasons: list[str],
    *,
    container: str = "",
    is_final: bool = False,
) -> Wait:
    return Wait(
        subject=subject,
        detail=detail,
        kind=kind,
        sentence=sentence,
        facts=tuple(facts),
        reasons=tuple(reasons),
        container=container,
        is_final=is_final,
    )
