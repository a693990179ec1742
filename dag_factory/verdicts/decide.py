"""From the evidence of one try to its verdict.

The operator calls ``decide`` before it deletes the pod. Each rule takes the evidence and returns a verdict or None;
the first verdict holds. The order puts causes before their consequences: an evicted container also has an exit code.
"""

from __future__ import annotations

from collections.abc import Callable

from dag_factory.verdicts.evidence.model import Evidence
from dag_factory.verdicts.rules.api_errors import find_api_error, find_api_refusal
from dag_factory.verdicts.rules.container_ends import find_failed_container, find_out_of_memory
from dag_factory.verdicts.rules.deletions import find_deletion
from dag_factory.verdicts.rules.disruptions import find_disruption
from dag_factory.verdicts.rules.phrases import clause, details, flavor_of, on_node, seconds_text
from dag_factory.verdicts.rules.preconditions import find_precondition
from dag_factory.verdicts.rules.waits import find_wait, verdict_of
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict


def decide(evidence: Evidence) -> Verdict:
    """The verdict on a try that failed. Always returns one: ``unknown`` if nothing explains the failure."""
    for rule in _RULES:
        if verdict := rule(evidence):
            return verdict
    return _unknown(evidence)


def _invalid_output(evidence: Evidence) -> Verdict | None:
    failure, base = evidence.failure, evidence.pod.base if evidence.pod else None
    if failure is None or failure.kind != "output-invalid" or (base and base.end and base.end.exit_code):
        return None
    text = clause(failure.text)
    sentence = f"output invalid: {text}" if text else "output invalid: the output cannot be used"
    return make_verdict("output-invalid", sentence, [Fact(text or sentence, "failure")])


def _timeout(evidence: Evidence) -> Verdict | None:
    failure, pod = evidence.failure, evidence.pod
    if failure is None or failure.kind != "task-timeout":
        return None
    seconds = evidence.timeout or failure.seconds
    limit = f" of {seconds_text(seconds)}" if seconds else ""
    facts = [Fact(clause(failure.text) or "the task timed out", "failure")]
    wait = find_wait(evidence)
    if wait is not None and not (pod and pod.base and pod.base.state == "running"):
        sentence = f"timeout: the job did not start within its timeout{limit}: it waited for {wait.reason_text}"
        reasons, advice = wait.reasons, wait.advice
        return make_verdict("timeout", sentence, [*facts, *wait.facts], reasons=reasons, advice=advice)
    where = details(flavor_of(evidence, pod.base) if pod and pod.base else "", on_node(evidence))
    return make_verdict("timeout", f"timeout: the job ran longer than its timeout{limit}{where}", facts)


def _never_started(evidence: Evidence) -> Verdict | None:
    """A pod that waits: its reason explains a failed launch, and each failure that says nothing itself."""
    failure, wait = evidence.failure, find_wait(evidence)
    if wait is None or (failure is not None and failure.kind == "api" and not wait.is_final):
        return None
    passed = failure is not None and failure.kind == "launch-timeout"
    if not passed or failure is None:
        return verdict_of(wait, flavor=evidence.flavor)
    seconds = failure.seconds
    after = f"gave up after {seconds_text(seconds)}" if seconds else "gave up waiting"
    return verdict_of(wait, after, evidence.flavor)


def _failed_launch(evidence: Evidence) -> Verdict | None:
    failure = evidence.failure
    if failure is None or failure.kind not in ("launch-timeout", "launch-failed"):
        return None
    text = clause(failure.text) or "the pod did not start"
    return make_verdict("start-failed", f"start failed: {text}", [Fact(text, "failure")])


def _unknown(evidence: Evidence) -> Verdict:
    failure, pod = evidence.failure, evidence.pod
    text = clause(failure.text) if failure else ""
    facts = [Fact(text, "failure")] if text else []
    if pod is not None and pod.phase:
        facts.append(Fact(f"phase {pod.phase}", "pod.status.phase"))
    base = pod.base if pod else None
    if base is not None and base.end is not None and base.end.exit_code == 0:
        facts.append(Fact("exit code 0", f"{base.source}.state.terminated"))
        sentence = "unknown: the container ended with exit code 0, and the try failed afterwards"
    else:
        sentence = "unknown: the evidence does not explain the failure"
    return make_verdict("unknown", f"{sentence}: {text}" if text else sentence, facts)


_RULES: tuple[Callable[[Evidence], Verdict | None], ...] = (
    find_precondition,
    find_api_refusal,
    find_disruption,
    find_out_of_memory,
    _invalid_output,
    _timeout,
    find_deletion,
    find_failed_container,
    _never_started,
    _failed_launch,
    find_api_error,
    _unknown,
)
