"""The level of the Pod Security Standards that a pod must meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE
from dag_factory.config.pod.security_control import Level
from dag_factory.config.pod.security_standards import may_violate_baseline, violations
from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code

CODE: Code = "pod-security"
_NEXT_RELEASE = "in the next release this is an error, unless the environment sets `pod_security: privileged`"


def breaches(pod: Fragment, job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each violation of the level; if no level is set, a warning for each violation of `baseline`."""
    rule = guards.pod_security
    if rule is None:
        for found in violations(pod, "baseline") if may_violate_baseline(job) else ():
            message = f"{found.message}{_container(pod, found.path)}: the pod security level `baseline` forbids it"
            hint = f"{found.hint}; {_NEXT_RELEASE}"
            yield Breach(CODE, f"{message} ({found.control})", hint, found.path, severity="warning")
        return
    for found in violations(pod, cast(Level, rule.words[0])):
        message = f"{found.message}{_container(pod, found.path)}: {rule.by} sets `pod_security: {rule.words[0]}`"
        yield Breach(CODE, f"{message} ({found.control})", f"{found.hint}; see {rule.location}", found.path)


def _container(pod: Fragment, path: KeyPath) -> str:
    """The container of a violation, as a part of the message; empty for the job's own container."""
    if len(path) < 3 or path[1] not in ("containers", "initContainers"):
        return ""
    name = pod["spec"][path[1]][path[2]].get("name")
    return "" if name == BASE else f" in the container `{name}`"
