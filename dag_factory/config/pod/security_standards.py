"""Kubernetes' Pod Security Standards, version 1.33, as a function over a pod's JSON.

It has every control of the levels `baseline` and `restricted`, for all containers: the job's own, init containers,
sidecars and Airflow's. Ephemeral containers are left out because a pod cannot be created with them. User namespaces
(``hostUsers: false``) relax no control: in version 1.33 they do so only behind a feature gate that is off by
default. The control on hosts of probes and lifecycle hooks is newer (1.34).
"""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.baseline_controls import APPARMOR_ANNOTATION, BASELINE
from dag_factory.config.pod.restricted_controls import RESTRICTED
from dag_factory.config.pod.security_control import (
    CONTEXT,
    Level,
    PodParts,
    Violation,
    as_list,
    as_map,
)

VERSION = "v1.33"
LEVELS = ("privileged", "baseline", "restricted")
"""From the weakest to the strictest; a level contains the ones before it."""


def may_violate_baseline(job: Job) -> bool:
    """Whether a job sets anything that `baseline` checks. For most jobs this saves building the pod."""
    return bool(
        job.pod
        or job.init_containers
        or job.security_context
        or job.pod_security_context
        or any(volume.kind == "host_path" for volume in job.volumes)
        or any(port.get("hostPort") for port in job.ports)
        or any(key.startswith(APPARMOR_ANNOTATION) for key in job.annotations)
    )


def violations(pod: Fragment, level: Level) -> Iterator[Violation]:
    """Every violation of ``level`` in a pod's JSON, starting with those of `baseline`."""
    if level == "privileged":
        return
    spec = as_map(pod.get("spec"))
    containers = tuple(
        (("spec", key, index), as_map(container))
        for key in ("containers", "initContainers")
        for index, container in enumerate(as_list(spec.get(key)))
    )
    contexts = (
        (("spec", CONTEXT), as_map(spec.get(CONTEXT))),
        *(((*path, CONTEXT), as_map(container.get(CONTEXT))) for path, container in containers),
    )
    parts = PodParts(pod, spec, containers, contexts, as_map(spec.get("os")).get("name") == "windows")
    for control in BASELINE:
        yield from control(parts)
    if level == "restricted":
        for control in RESTRICTED:
            yield from control(parts)
