"""All guards in one call."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards import allow_lists, bounds, flavors, images, nodes, pod_security, required_keys
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.sizes import ceilings
from dag_factory.config.model import Flavor, Fragment, Job


def breaches(pod: Fragment, job: Job, guards: Guards, known: Iterable[Flavor] = ()) -> list[Breach]:
    """Every rule that a pod breaks.

    ``pod`` is the final pod of ``job``, rendered or not; hints suggest flavors from ``known``.
    """
    flavor_breaches = list(flavors.breaches(job, guards))
    if flavor_breaches:  # the flavor must change: breaches of limits that come from the list would repeat that
        guards = msgspec.structs.replace(guards, flavor_limits={}, nodes=())
    return [
        *flavor_breaches,
        *images.breaches(pod, guards),
        *ceilings.breaches(pod, job, guards, known),
        *nodes.breaches(pod, guards),
        *required_keys.breaches(pod, guards),
        *pod_security.breaches(pod, job, guards),
        *allow_lists.breaches(pod, job, guards),
        *bounds.job_breaches(pod, job, guards),
    ]
