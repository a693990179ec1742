"""Pods that the cluster ended: evicted, preempted, lost with their node, past their deadline, rejected, deleted."""

from __future__ import annotations

import re

from dag_factory.verdicts.evidence.model import Condition, Evidence, Pod
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
_CLOCK_TOLERANCE = 2  # seconds between the clocks of a node and of the API server, which count whole seconds


def find_disruption(evidence: Evidence) -> Verdict | None:
    """The verdict on a pod that the cluster itself ended."""
    pod = evidence.pod or Pod()
    disruption = pod.condition("DisruptionTarget")
    if disruption is not None and disruption.status != "True":
        disruption = None
    target = disruption.reason if disruption else ""
    event = _event_of_deletion(evidence, pod) if disruption is None and not pod.reason else ""
    if target == "PreemptionByScheduler" or pod.reason == "Preempting" or event in ("Preempted", "Preempting"):
        return _preempted(evidence, pod, disruption)
    if _lost_node(evidence, pod, target):
        return _node_lost(evidence, pod, disruption)
    if pod.reason == "Evicted" or disruption is not None or event:
        return _evicted(evidence, pod, disruption)
    if pod.phase == "Failed" and (pod.reason.startswith("OutOf") or pod.reason in _REJECTIONS):
        text = clause(pod.message.removeprefix("Pod was rejected: ").removeprefix("Pod "))
        sentence = f"unschedulable: {the_node(evidence)} rejected the pod: {text or pod.reason}"
        advice = "wait for the next try; another node may take the pod"
        facts = _facts(pod, None)
        return make_verdict("unschedulable", sentence, facts, advice=advice, reasons=[pod.reason], uses_retry=False)
    if pod.reason == "DeadlineExceeded":
        return _deadline(evidence, pod)
    return None


def find_deletion(evidence: Evidence) -> Verdict | None:
    """The verdict on a pod that somebody deleted before the job was over."""
    pod, failure = evidence.pod, evidence.failure
    if failure is not None and failure.kind == "worker-stopped":
        sentence = "killed: the worker was told to end before the job was over, so its pod was deleted"
        advice = "find out whether the worker's node shut down, or somebody cleared or marked the task"
        return make_verdict("killed", sentence, [Fact(clause(failure.text) or sentence, "failure")], advice=advice)
    if pod is not None and pod.deleted is not None and _deleted_before_end(pod):
        where = details(on_node(evidence), f"grace period {seconds_text(pod.grace)}" if pod.grace else "")
        ended = pod.base and pod.base.end
        return make_verdict(
            "killed",
            f"killed: the pod was deleted while the job ran{where}",
            [Fact("the pod was deleted before its container ended", "pod.metadata.deletionTimestamp")],
            exit_code=ended.exit_code if ended else None,
        )
    if failure is not None and failure.kind == "pod-gone" and not (pod and pod.phase in ("Succeeded", "Failed")):
        facts = [Fact(clause(failure.text) or "the pod does not exist any more", "failure")]
        facts += [Fact(clause(event.message), event.source) for event in evidence.events_of("Killing")]
        return make_verdict(
            "killed", f"killed: the pod was deleted while the job ran{details(on_node(evidence))}", facts
        )
    return None


def _event_of_deletion(evidence: Evidence, pod: Pod) -> str:
    """The reason of the event that explains why a pod is gone, which was last seen without such a reason."""
    if not _deleted_by_others(evidence, pod):
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
    gone = target == "DeletionByTaintManager" or _deleted_by_others(evidence, pod)
    return gone and any(evidence.events_of("NodeNotReady"))


def _deleted_by_others(evidence: Evidence, pod: Pod) -> bool:
    """Whether the pod is deleted, and not by the operator itself."""
    kind = evidence.failure.kind if evidence.failure else ""
    return kind == "pod-gone" or (pod.deleted is not None and kind not in ("task-timeout", "worker-stopped"))


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
        sentence, advice = (
            f"evicted: {own}{details(on_node(evidence))}",
            "raise that limit, or write less to local disk",
        )
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


def _deleted_before_end(pod: Pod) -> bool:
    """Whether the deletion was asked for before the job's container ended. The deletion time includes the grace."""
    end = pod.base.end if pod.base else None
    if end is None:
        return True
    asked = (pod.deleted or 0) - pod.grace - _CLOCK_TOLERANCE
    return end.finished is None or end.finished >= asked


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
