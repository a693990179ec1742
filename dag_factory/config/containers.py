"""The containers of a job's pod as they will be: sidecars, init containers and the raw overlay included.

Whoever judges a pod (ceilings, allowed images) asks here, since a ``pod:`` overlay may change what the
other keys of a job say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from dag_factory.config.final_pod import BASE, SHM, XCOM
from dag_factory.config.model import Flavor, Fragment, Job
from dag_factory.config.strategic import patched

__all__ = ["BASE", "SHM", "XCOM", "Container", "containers", "every"]


class Container(msgspec.Struct, frozen=True):
    """One container. ``beside``: a plain second one, from the overlay; quantities are Kubernetes' text."""

    name: str
    kind: Literal["job", "sidecar", "init", "beside"]
    image: str
    requests: dict[str, str]
    limits: dict[str, str]


def containers(job: Job) -> tuple[Container, ...]:
    """Every container of the job's pod but Airflow's own, the job's first."""
    return every(job.image, job.flavor, job.init_containers, job.pod)


def every(image: str, flavor: Flavor, first: Iterable[Fragment], overlay: Fragment | None) -> tuple[Container, ...]:
    """The same for its parts: ``first`` starts before the job's own container, ``overlay`` is laid over all."""
    resources = {"requests": flavor.requests, "limits": flavor.limits}
    spec: Fragment = {
        "containers": [{"name": BASE, "image": image, "resources": resources}],
        "initContainers": list(first),
    }
    spec = patched({"spec": spec}, overlay or {})["spec"]
    main = [(one, "job" if one["name"] == BASE else "beside") for one in spec.get("containers") or ()]
    before = [
        (one, "sidecar" if one.get("restartPolicy") == "Always" else "init") for one in spec.get("initContainers") or ()
    ]
    return tuple(_container(one, kind) for one, kind in [*main, *before])


def _container(said: Fragment, kind: Any) -> Container:
    resources = said.get("resources") or {}
    requests, limits = (
        {name: str(amount) for name, amount in (resources.get(key) or {}).items()} for key in ("requests", "limits")
    )
    return Container(said["name"], kind, said.get("image") or "", {**limits, **requests}, limits)
