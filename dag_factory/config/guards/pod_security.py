"""The level of the Pod Security Standards that a pod must meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE
from dag_factory.config.pod.security_standards import Level, may_violate_baseline, violations
from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code

CODE: Code = "pod-security"
_SOON = "`pod_security` is not set here: this will be an error in the next release"


def breaches(pod: Fragment, job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each field that the level forbids; without a level, a warning for each that `baseline` forbids."""
    rule = guards.pod_security
    if rule is None:
        for one in violations(pod, "baseline") if may_violate_baseline(job) else ():
            hint = f"{one.hint}; {_SOON}, unless the environment sets `pod_security: privileged`"
            message = f"{one.message}{_where(pod, one.path)}: the level `baseline` of pod security forbids it"
            yield Breach(CODE, f"{message} ({one.control})", hint, one.path, severity="warning")
        return
    for one in violations(pod, cast(Level, rule.words[0])):
        message = f"{one.message}{_where(pod, one.path)}: {rule.by} sets `pod_security: {rule.words[0]}`"
        yield Breach(CODE, f"{message} ({one.control})", f"{one.hint}; see {rule.place}", one.path)


def _where(pod: Fragment, path: KeyPath) -> str:
    """The container that a violation is in, if it is not the job's own."""
    if len(path) < 3 or path[1] not in ("containers", "initContainers"):
        return ""
    name = pod["spec"][path[1]][path[2]].get("name")
    return "" if name == BASE else f" in the container `{name}`"
