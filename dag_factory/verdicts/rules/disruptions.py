"""Pods that the cluster ended: evicted, preempted, lost with their node, rejected by it, or past their deadline."""

from __future__ import annotations

import re

from dag_factory.verdicts.evidence.model import Condition, Evidence, Pod
from dag_factory.verdicts.rules.deletions import CLOCK_TOLERANCE, deleted_by_others
from dag_factory.verdicts.rules.phrases import clause, details, name_of, on_node, run_time, seconds_text, the_node
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_LOW = re.compile(r"The node was low on resource: ([\w/-]+)")
_AVAILABLE = re.compile(r"Threshold quantity: (\S+), available: (\S+)\.")
_USED = re.compile(r"Container (\S+) was using (\S+), request is (\S+), has larger consumption")
_PRESSURE = re.compile(r"The node had condition: \[?([\w, ]+)\]?")
_OWN_STORAGE = re.compile(
    r"(?P<total>ephemeral local storage usage exceeds the total limit of containers (?P<sum>\S+))"
    r"|Container (?P<container>\S+) exceeded its local ephemeral storage limit \"(?P<limit>[^\"]+)\""
    r"|Usage of EmptyDir volume \"(?P<volume>[^\"]+)\" exceeds the limit \"(?P<size>[^\"]+)\""
)
_SHUTDOWNS = {"Terminated", "Shutdown", "NodeShutdown"}
_REJECTIONS = {"NodeAffinity", "UnexpectedAdmissionError", "NodePorts", "AdmissionFailed"}
_DISRUPTION_EVENTS = ("Preempted", "Preempting", "Evicted", "TaintManagerEviction")


def find_disruption(evidence: Evidence) -> Verdict | None:
    """The verdict on a pod that the cluster itself ended."""
    pod = evidence.pod or Pod()
    disruption = _disruption(pod)
    target = disruption.reason if disruption else ""
    event = _event_of_deletion(evidence, pod) if disruption is None and not pod.reason else ""
    if target == "PreemptionByScheduler" or pod.reason == "Preempting" or event in ("Preempted", "Preempting"):
        return _preempted(evidence, pod, disruption)
    if _lost_node(evidence, pod, target):
        return _node_lost(evidence, pod, disruption)
    if pod.reason == "Evicted" or disruption is not None or event:
        return _evicted(evidence, pod, disruption)
    if pod.phase == "Failed" and (pod.reason.startswith("OutOf") or pod.reason in _REJECTIONS):
        return _rejected(evidence, pod)
    if pod.reason == "DeadlineExceeded":
        return _deadline(evidence, pod)
    return None


def _disruption(pod: Pod) -> Condition | None:
    """The condition of a disruption, unless the job's container had ended before it."""
    condition, end = pod.condition("DisruptionTarget"), pod.base.end if pod.base else None
    if condition is None or condition.status != "True":
        return None
    if end and end.finished and condition.time and end.finished < condition.time - CLOCK_TOLERANCE:
        return None
    return condition


def _event_of_deletion(evidence: Evidence, pod: Pod) -> str:
    """The reason of the event that explains why a pod is gone, which was last seen without such a reason."""
    if not deleted_by_others(evidence, pod):
        return ""
    for event in evidence.events_of(*_DISRUPTION_EVENTS):
        if event.reason != "TaintManagerEviction" or event.message.startswith("Marking"):
            return event.reason
    return ""


def _preempted(evidence: Evidence, pod: Pod, disruption: Condition | None) -> Verdict:
    by = "critical" if pod.reason == "Preempting" else "higher-priority"
    sentence = f"preempted: a {by} pod took the place of the pod on {the_node(evidence)}"
    facts = _facts(pod, disruption)
    facts += [Fact(clause(event.message), event.source) for event in evidence.events_of("Preempted", "Preempting")]
    return make_verdict("preempted", sentence, facts, reasons=_reasons(pod, disruption), exit_code=_exit_code(pod))


def _lost_node(evidence: Evidence, pod: Pod, target: str) -> bool:
    if target == "DeletionByPodGC" or pod.reason == "NodeLost" or pod.reason in _SHUTDOWNS:
        return True
    if "node shutdown" in pod.message or "node is shutting down" in pod.message:
        return True
    gone = target == "DeletionByTaintManager" or deleted_by_others(evidence, pod)
    return gone and any(evidence.events_of("NodeNotReady"))


def _node_lost(evidence: Evidence, pod: Pod, disruption: Condition | None) -> Verdict:
    node = the_node(evidence)
    target = disruption.reason if disruption else ""
    facts = _facts(pod, disruption)
    if pod.reason in _SHUTDOWNS or "shut" in pod.message:
        sentence = f"node lost: {node} was shut down, and the pod with it"
    elif target == "DeletionByPodGC":
        sentence = f"node lost: {node} does not exist any more"
    else:
        sentence = f"node lost: {node} stopped reporting, so its pod was deleted"
        facts += [Fact(clause(event.message), event.source) for event in evidence.events_of("NodeNotReady")]
    return make_verdict("node-lost", sentence, facts, reasons=[*_reasons(pod, disruption), "NodeLost"])


def _evicted(evidence: Evidence, pod: Pod, disruption: Condition | None) -> Verdict:
    node = the_node(evidence)
    facts, reasons, code = _facts(pod, disruption), _reasons(pod, disruption), _exit_code(pod)
    event = next(evidence.events_of("Evicted"), None)
    message = pod.message or (disruption.message if disruption else "") or (event.message if event else "")
    if event:
        facts.append(Fact(clause(event.message), event.source))
    target = disruption.reason if disruption else ""
    if own := _own_storage(pod, message):
        # The next try writes as much, so it counts against the job's retries.
        sentence = f"evicted: {own}{details(on_node(evidence))}"
        advice = "raise that limit, or write less to local disk"
        return make_verdict("evicted", sentence, facts, advice=advice, reasons=reasons, exit_code=code, uses_retry=True)
    if match := _LOW.search(message):
        sentence = f"evicted: {node} was low on {match[1]}{_usage(pod, message)}"
    elif match := _PRESSURE.search(message):
        sentence = f"evicted: {node} had the condition {match[1]}"
    elif target == "EvictionByEvictionAPI":
        sentence = f"evicted: the pod was asked to leave {node}, which happens when a node is drained"
    elif target == "DeletionByTaintManager" or any(evidence.events_of("TaintManagerEviction")):
        sentence = f"evicted: {node} got a taint that the pod does not tolerate"
    else:
        sentence = f"evicted: {clause(message) or f'the pod was removed from {node}'}"
    return make_verdict("evicted", sentence, facts, reasons=reasons, exit_code=code)


def _usage(pod: Pod, message: str) -> str:
    """How much the node had left, and how much the container of the pod used that is named first."""
    text = f" ({match[2]} left, threshold {match[1]})" if (match := _AVAILABLE.search(message)) else ""
    if match := _USED.search(message):
        text += f": {_named(pod, match[1])} used {match[2]}, and its request is {match[3]}"
    return text


def _named(pod: Pod, name: str) -> str:
    container = next((one for one in pod.containers if one.name == name), None)
    return name_of(container) if container else f"the container `{name}`"


def _own_storage(pod: Pod, message: str) -> str:
    match = _OWN_STORAGE.search(message)
    if match is None:
        return ""
    if match["total"]:
        return f"the pod used more local storage than its limit of {match['sum'].rstrip('.')}"
    if match["volume"]:
        return f"the volume `{match['volume']}` holds more than its limit of {match['size']}"
    subject = _named(pod, match["container"])
    return f"{subject} used more local storage than its limit of {match['limit']}"


def _rejected(evidence: Evidence, pod: Pod) -> Verdict:
    text = clause(pod.message.removeprefix("Pod was rejected: ").removeprefix("Pod ")) or pod.reason
    return make_verdict(
        "unschedulable",
        f"unschedulable: {the_node(evidence)} rejected the pod: {text}",
        _facts(pod, None),
        advice="wait for the next try; another node may take the pod",
        reasons=[pod.reason],
        uses_retry=False,
    )


def _deadline(evidence: Evidence, pod: Pod) -> Verdict:
    limit = f" of {seconds_text(pod.active_deadline)}" if pod.active_deadline else ""
    facts, where = _facts(pod, None), details(on_node(evidence))
    if pod.active_deadline:
        facts.append(Fact(f"the limit is {seconds_text(pod.active_deadline)}", "pod.spec.activeDeadlineSeconds"))
    reasons, code = [pod.reason], _exit_code(pod)
    if evidence.timeout and pod.active_deadline and pod.active_deadline >= evidence.timeout:
        # The pod's deadline is derived from the job's `timeout`.
        text = f"timeout: the job ran longer than its timeout of {seconds_text(evidence.timeout)}{where}"
        return make_verdict("timeout", text, facts, reasons=reasons, exit_code=code)
    sentence = f"deadline: the pod was active longer than its `activeDeadlineSeconds`{limit}{where}"
    return make_verdict("deadline", sentence, facts, reasons=reasons, exit_code=code)


def _facts(pod: Pod, disruption: Condition | None) -> list[Fact]:
    facts = []
    if pod.reason or pod.message:
        facts.append(Fact(": ".join(filter(None, (pod.reason, clause(pod.message)))), "pod.status"))
    if disruption is not None:
        text = ": ".join(filter(None, (disruption.reason, clause(disruption.message))))
        facts.append(Fact(text, disruption.source))
    end = pod.base.end if pod.base else None
    if pod.base and end:
        time = run_time(end)
        text = f"{end.reason}, exit code {end.exit_code}" + (f", after {time}" if time else "")
        facts.append(Fact(text, f"{pod.base.source}.state.terminated"))
    return facts


def _reasons(pod: Pod, disruption: Condition | None) -> list[str]:
    return [pod.reason, disruption.reason if disruption else ""]


def _exit_code(pod: Pod) -> int | None:
    return pod.base.end.exit_code if pod.base and pod.base.end else None
