"""The containers of a pod: the job's own, sidecars, init containers, and Airflow's."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, XCOM, assemble_pod
from dag_factory.config.positions import KeyPath

Kind = Literal["job", "sidecar", "init", "extra", "xcom"]


class Container(msgspec.Struct, frozen=True):
    """One container. An ``extra`` one is added to ``containers`` by the overlay. ``path`` leads to it in the pod.

    Quantities are text, as in Kubernetes. As in Kubernetes, a request that is not set equals the limit.
    """

    name: str
    kind: Kind
    image: str
    requests: dict[str, str]
    limits: dict[str, str]
    path: KeyPath = ()


def job_containers(job: Job) -> tuple[Container, ...]:
    """Every container of the job's pod except Airflow's own, the job's first."""
    return pod_containers(assemble_pod(job, None))


def pod_containers(pod: Fragment) -> tuple[Container, ...]:
    """Every container of a pod. Init containers come last, in the order in which they start."""
    spec = pod["spec"]
    main = [
        _container(fields, _main_kind(fields["name"]), "containers", index)
        for index, fields in enumerate(spec.get("containers") or ())
    ]
    init = [
        _container(fields, "sidecar" if fields.get("restartPolicy") == "Always" else "init", "initContainers", index)
        for index, fields in enumerate(spec.get("initContainers") or ())
    ]
    return (*main, *init)


def _main_kind(name: str) -> Kind:
    if name == BASE:
        return "job"
    return "xcom" if name == XCOM else "extra"


def _container(fields: Fragment, kind: Kind, group: str, index: int) -> Container:
    resources: dict[str, Any] = fields.get("resources") or {}
    requests, limits = (
        {name: str(amount) for name, amount in (resources.get(key) or {}).items()} for key in ("requests", "limits")
    )
    path = ("spec", group, index)
    return Container(fields["name"], kind, fields.get("image") or "", {**limits, **requests}, limits, path)
