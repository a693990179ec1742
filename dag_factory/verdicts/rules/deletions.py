"""Pods that were deleted before the job was over, by somebody or because the worker was told to end."""

from __future__ import annotations

from dag_factory.verdicts.evidence.model import Evidence, Pod
from dag_factory.verdicts.rules.phrases import clause, details, on_node, seconds_text
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

CLOCK_TOLERANCE = 2
"""Seconds between the clocks of a node and of the API server, which count whole seconds."""


def find_deletion(evidence: Evidence) -> Verdict | None:
    """The verdict on a pod that somebody deleted before the job was over."""
    pod, failure = evidence.pod, evidence.failure
    if failure is not None and failure.kind == "run-timeout":
        limit = f" of {seconds_text(failure.seconds)}" if failure.seconds else ""
        sentence = f"timeout: the run took longer than its timeout{limit}, so Airflow ended it and the pod was deleted"
        advice = "raise `timeout` of the pipeline, or find out what took so long"
        return make_verdict("timeout", sentence, [Fact("the run timed out", "failure")], advice=advice, is_final=True)
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


def deleted_by_others(evidence: Evidence, pod: Pod) -> bool:
    """Whether the pod is deleted, and not by the operator itself."""
    kind = evidence.failure.kind if evidence.failure else ""
    return kind == "pod-gone" or (
        pod.deleted is not None and kind not in ("task-timeout", "worker-stopped", "run-timeout")
    )


def _deleted_before_end(pod: Pod) -> bool:
    """Whether the deletion was asked for before the job's container ended. The deletion time includes the grace."""
    end = pod.base.end if pod.base else None
    if end is None:
        return True
    asked = (pod.deleted or 0) - pod.grace - CLOCK_TOLERANCE
    return end.finished is None or end.finished >= asked
