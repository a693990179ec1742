"""Answers of the cluster's API to the request for a pod: quota, rules, things that do not exist, and errors."""

from __future__ import annotations

import re

from dag_factory.config.units import quantity
from dag_factory.verdicts.evidence.model import Evidence, Failure
from dag_factory.verdicts.rules import configuration
from dag_factory.verdicts.rules.phrases import clause, details
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_QUOTA = re.compile(r"exceeded quota: (\S+), requested: (\S+), used: (\S+), limited: (\S+)")
_FAILED_QUOTA = re.compile(r"failed quota: (\S+): must specify (.+)$")
_RULES = (  # the name of the rule, and what it says
    (re.compile(r"violates PodSecurity \"([^\":]+)[^\"]*\": (.*)"), "the pod security level `{}`"),
    (re.compile(r"admission webhook \"([^\"]+)\" denied the request:? ?(.*)"), "the admission webhook `{}`"),
    (re.compile(r"ValidatingAdmissionPolicy '([^']+)' .*?denied request:? ?(.*)"), "the admission policy `{}`"),
    (re.compile(r"()((?:maximum|minimum) \S+ usage per \w+ is .*)"), "a limit range of the namespace"),
    (re.compile(r"()(\S+ max limit to request ratio per .*)"), "a limit range of the namespace"),
)
_NOT_ALLOWED = re.compile(r"User \"([^\"]+)\" cannot (\w+) resource \"([^\"]+)\"")
_FORBIDDEN = re.compile(r"^\S+ \"[^\"]*\" is forbidden: ")
_FINAL_CODES = (400, 403, 404, 405, 413, 422)


def find_api_refusal(evidence: Evidence) -> Verdict | None:
    """The verdict on a pod that the API did not create, for a reason that the request itself has."""
    failure = evidence.failure
    if failure is None or failure.kind != "api" or not failure.text:
        return None
    text, facts, reasons = failure.text, [_fact(failure)], [failure.reason]
    if match := _QUOTA.search(text):
        return _quota(match, facts, reasons)
    if match := _FAILED_QUOTA.search(text):
        sentence = f"policy: quota `{match[1]}` requires that the pod specifies {clause(match[2])}"
        return make_verdict(
            "policy", sentence, facts, advice="set what the quota requires", reasons=reasons, is_final=True
        )
    if missing := configuration.describe(text):
        return make_verdict("config", f"configuration: {missing}", facts, reasons=reasons, is_final=True)
    for pattern, rule in _RULES:
        if match := pattern.search(text):
            sentence = f"policy: {rule.format(match[1])} forbids the pod"
            if message := clause(match[2]):
                sentence += f": {message}"
            return make_verdict("policy", sentence, facts, reasons=reasons, is_final=True)
    return None


def find_api_error(evidence: Evidence) -> Verdict | None:
    """The verdict on an answer of the API that nothing else explains."""
    failure = evidence.failure
    if failure is None or failure.kind != "api":
        return None
    facts, reasons = [_fact(failure)], [failure.reason]
    if match := _NOT_ALLOWED.search(failure.text):
        sentence = f"API error: `{match[1]}` may not {match[2]} {match[3]} (HTTP {failure.code or 403})"
        advice = "give the role of Airflow this permission"
        return make_verdict("api-error", sentence, facts, advice=advice, reasons=reasons, is_final=True)
    if failure.code is None:
        text = clause(failure.text)
        sentence = "API error: the cluster's API did not answer" + (f": {text}" if text else "")
        return make_verdict("api-error", sentence, facts, reasons=reasons)
    text = clause(_FORBIDDEN.sub("", failure.text)) or failure.reason or "no message"
    is_final = failure.code in _FINAL_CODES
    return make_verdict(
        "api-error",
        f"API error: {text}{details(f'HTTP {failure.code}', failure.reason)}",
        facts,
        advice="correct what the API rejects" if is_final else "",
        reasons=reasons,
        is_final=is_final,
    )


def _quota(match: re.Match[str], facts: list[Fact], reasons: list[str]) -> Verdict:
    name, requested, used, limited = (part.rstrip(",.") for part in match.groups())
    wanted, have, most = (_amounts(text) for text in (requested, used, limited))
    parts = [
        f"{key}: requested {amount}, used {have.get(key, '?')} of {most.get(key, '?')}"
        for key, amount in wanted.items()
    ]
    larger = [key for key, amount in wanted.items() if _exceeds(amount, most.get(key, ""))]
    if larger:
        sentence = f"quota: the pod is larger than the whole quota `{name}` ({'; '.join(parts)})"
        advice = "use a smaller flavor, or raise the quota of the namespace"
    else:
        sentence, advice = f"quota: quota `{name}` of the namespace is used up ({'; '.join(parts)})", ""
    return make_verdict("quota", sentence, facts, advice=advice, reasons=reasons, is_final=bool(larger))


def _amounts(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {key: amount for key, _, amount in pairs if key}


def _exceeds(amount: str, limit: str) -> bool:
    wanted, most = quantity(amount), quantity(limit)
    return wanted is not None and most is not None and wanted > most


def _fact(failure: Failure) -> Fact:
    return Fact(clause(failure.text) or failure.reason or f"HTTP {failure.code}", "failure")
