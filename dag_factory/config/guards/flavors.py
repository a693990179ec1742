"""Which flavors a team may use."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.rules import Guards
from dag_factory.config.model import Job


def breaches(job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each list of flavors that does not have the job's."""
    name = job.flavor.name
    for rule in guards.flavors:
        if not any(fnmatchcase(name, pattern) for pattern in rule.words):
            message = f"the flavor `{name}` is not one that {rule.by} may use"
            hint = f"it may use: {', '.join(rule.words)}; see {rule.place}"
            yield Breach("flavor-not-allowed", message, hint, ("spec", "containers", 0, "resources"), "resource_flavor")
