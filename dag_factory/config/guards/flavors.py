"""Which flavors a team may use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from dag_factory.config.guard_rules import Guards, Rule
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Flavor, Job


def allowed_flavors(known: Iterable[Flavor], guards: Guards) -> list[Flavor]:
    """The flavors that are on every list."""
    return [flavor for flavor in known if all(is_listed(flavor.name, rule) for rule in guards.flavors)]


def is_listed(name: str, rule: Rule) -> bool:
    """Whether a flavor is on a list."""
    return any(fnmatchcase(name, pattern) for pattern in rule.words)


def breaches(job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each list that the job's flavor is not on."""
    name = job.flavor.name
    for rule in guards.flavors:
        if not is_listed(name, rule):
            message = f"{rule.by} may not use the flavor `{name}`"
            hint = f"use one of: {', '.join(rule.words)}; see {rule.location}"
            yield Breach("flavor-not-allowed", message, hint, ("spec", "containers", 0, "resources"), "resource_flavor")
