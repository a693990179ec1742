"""Allow-lists: what a pod and its job may refer to. If there are several lists of one kind, all of them apply."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.guard_rules import Guards, Rule
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.references import ANY, Reference, references

_NOUNS = {
    "service_accounts": "service account",
    "secrets": "secret",
    "config_maps": "config map",
    "claims": "claim",
    "priority_classes": "priority class",
    "runtime_classes": "runtime class",
    "schedulers": "scheduler",
    "pull_secrets": "pull secret",
    "pools": "pool",
    "node_selectors": "node selector",
    "tolerations": "toleration",
    "labels": "label",
    "annotations": "annotation",
    "presets": "preset",
    "templates": "template",
}
_PAIRS = ("node_selectors", "labels", "annotations")


def breaches(pod: Fragment, job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each reference of a pod, and for the Airflow pool, that a list does not allow."""
    if not guards.allow:
        return
    name = job.pool or job.flavor.pool or "default_pool"
    yield from check(Reference("pools", (name,), (), name), guards, key="pool" if job.pool else "resource_flavor")
    for reference in references(pod):
        yield from check(reference, guards)


def check(reference: Reference, guards: Guards, key: str = "") -> Iterator[Breach]:
    """A breach for each list that does not allow the reference."""
    for rule in guards.allow.get(reference.kind, ()):
        yield from _check(reference, rule, key)


def _check(reference: Reference, rule: Rule, key: str) -> Iterator[Breach]:
    noun, see = _NOUNS[reference.kind], f"see {rule.location}"
    use = "set `service_account` to one of" if reference.kind == "service_accounts" else "use one of"
    allowed = f"{use}: {', '.join(rule.words)}; {see}" if rule.words else f"remove it; {see}"
    if reference.parts is None and reference.kind == "tolerations":
        message = f"{rule.by} limits `tolerations`, so a pod must not tolerate every taint"
        yield Breach("not-allowed", message, f"name the `key` of one taint; {allowed}", reference.path, key)
    elif reference.parts is None:
        message = f"{rule.by} limits `{reference.kind}`, so a pod must not name its node (`{reference.shown}`)"
        yield Breach("not-allowed", message, f"remove `nodeName`; {see}", reference.path, key)
    elif has_template(reference.parts[0]):
        message = f"the {noun} `{reference.shown}` is not known until run time, but {rule.by} limits `{reference.kind}`"
        hint = f"write the name, or compute it with `${{{{ }}}}`; {see}"
        yield Breach("hidden-reference", message, hint, reference.path, key)
    elif not any(_matches(reference.parts, _parse(reference.kind, pattern)) for pattern in rule.words):
        message = f"{rule.by} does not allow the {noun} `{reference.shown}`"
        yield Breach("not-allowed", message, allowed, reference.path, key)


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether each part matches; a value that is not known until run time may be anything."""
    known = (ANY if has_template(part) else part for part in parts)
    return all(map(fnmatchcase, known, pattern))


@lru_cache(1024)
def _parse(kind: str, pattern: str) -> tuple[str, ...]:
    """The parts of a pattern; a part that it leaves out is `*`."""
    if kind in _PAIRS:
        key, equals, value = pattern.partition("=")
        return (key, value if equals else "*")
    if kind == "tolerations":
        taint, colon, effect = pattern.rpartition(":") if ":" in pattern else (pattern, "", "")
        key, equals, value = taint.partition("=")
        return (key, value if equals else "*", effect if colon else "*")
    if kind == "templates":
        name, at, version = pattern.partition("@")
        return (name, version if at else "*")
    return (pattern,)
