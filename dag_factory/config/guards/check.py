"""All guards in one call."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards import allow_lists, bounds, ceilings, flavors, images, nodes, pod_security, required_keys
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Flavor, Fragment, Job


def breaches(pod: Fragment, job: Job, guards: Guards, known: Iterable[Flavor] = ()) -> list[Breach]:
    """Every rule that a pod breaks, rendered or not.

    ``pod`` is the final pod of ``job``; ``known`` are flavors that a hint may propose.
    """
    listed = list(flavors.breaches(job, guards))
    if listed:  # what another flavor would give is not the question
        guards = msgspec.structs.replace(guards, flavor_limits={}, nodes=())
    return [
        *listed,
        *images.breaches(pod, guards),
        *ceilings.breaches(pod, job, guards, known),
        *nodes.breaches(pod, guards),
        *required_keys.breaches(pod, guards),
        *pod_security.breaches(pod, job, guards),
        *allow_lists.breaches(pod, job, guards),
        *bounds.job_breaches(pod, job, guards),
    ]
