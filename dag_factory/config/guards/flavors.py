"""Which flavors a team may use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from dag_factory.config.guard_rules import Guards, Rule
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Flavor, Job


def allowed_flavors(known: Iterable[Flavor], guards: Guards) -> list[Flavor]:
    """Those flavors that every list has."""
    return [one for one in known if all(is_listed(one.name, rule) for rule in guards.flavors)]


def is_listed(name: str, rule: Rule) -> bool:
    """Whether a list has a flavor."""
    return any(fnmatchcase(name, pattern) for pattern in rule.words)


def breaches(job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each list of flavors that does not have the job's."""
    name = job.flavor.name
    for rule in guards.flavors:
        if not is_listed(name, rule):
            message = f"the flavor `{name}` is not one that {rule.by} may use"
            hint = f"it may use: {', '.join(rule.words)}; see {rule.place}"
            yield Breach("flavor-not-allowed", message, hint, ("spec", "containers", 0, "resources"), "resource_flavor")
