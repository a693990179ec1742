"""Failures before a pod is requested: a guard, a condition or a value that cannot be computed."""

from __future__ import annotations

from dag_factory.verdicts.evidence.model import Evidence
from dag_factory.verdicts.kinds import Kind
from dag_factory.verdicts.rules.phrases import clause
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_LONGEST = 600
_SENTENCES: dict[str, tuple[Kind, str, str]] = {  # the verdict's kind, the start of its sentence, the advice
    "guard": ("policy", "policy: the pod was not created: ", ""),
    "condition": ("config", "configuration: ", "correct `when`"),
    "template": ("config", "configuration: ", "correct the template"),
}
"""The failures that every further try would repeat, because they come from the files."""


def find_precondition(evidence: Evidence) -> Verdict | None:
    """The verdict on a try that requested no pod, for a reason in the files."""
    failure = evidence.failure
    if failure is None or failure.kind not in _SENTENCES:
        return None
    kind, start, advice = _SENTENCES[failure.kind]
    text = clause(failure.text, _LONGEST).removeprefix("the pod is not created:").strip()
    return make_verdict(kind, start + text, [Fact(text, "failure")], advice=advice, is_final=True)
