"""The containers of a pod: the job's own, sidecars, init containers, and what the overlay makes of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, XCOM, assemble_pod
from dag_factory.config.positions import KeyPath

Kind = Literal["job", "sidecar", "init", "beside", "xcom"]


class Container(msgspec.Struct, frozen=True):
    """One container. ``beside``: a plain second one, from the overlay; ``path`` leads to it in the pod.

    Quantities are Kubernetes' text. As in Kubernetes a limit is the request where no other is set.
    """

    name: str
    kind: Kind
    image: str
    requests: dict[str, str]
    limits: dict[str, str]
    path: KeyPath = ()


def job_containers(job: Job) -> tuple[Container, ...]:
    """Every container of the job's pod but Airflow's own, the job's first."""
    return pod_containers(assemble_pod(job, None))


def pod_containers(pod: Fragment) -> tuple[Container, ...]:
    """Every container of a pod, plain ones first; init containers in the order in which they start."""
    spec = pod["spec"]
    main = [
        _container(one, "job" if one["name"] == BASE else "xcom" if one["name"] == XCOM else "beside", "containers", at)
        for at, one in enumerate(spec.get("containers") or ())
    ]
    before = [
        _container(one, "sidecar" if one.get("restartPolicy") == "Always" else "init", "initContainers", at)
        for at, one in enumerate(spec.get("initContainers") or ())
    ]
    return (*main, *before)


def _container(said: Fragment, kind: Kind, group: str, at: int) -> Container:
    resources: dict[str, Any] = said.get("resources") or {}
    requests, limits = (
        {name: str(amount) for name, amount in (resources.get(key) or {}).items()} for key in ("requests", "limits")
    )
    return Container(said["name"], kind, said.get("image") or "", {**limits, **requests}, limits, ("spec", group, at))
