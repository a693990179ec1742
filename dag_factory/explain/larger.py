"""What a try after out-of-memory gets: the larger flavors of a job, with the places of the rules that say so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from dag_factory.config.model import Job, with_larger_flavor
from dag_factory.config.positions import KeyPath
from dag_factory.config.tree import MapNode, Scalar, as_map, items_of
from dag_factory.explain.layers import flavor_definitions
from dag_factory.explain.model import Place, Rule
from dag_factory.explain.rules import place
from dag_factory.explain.subject import JobSubject, Subject

_THEN = "next_flavor"
_SIZES = {"ephemeral_storage": "ephemeral-storage"}


def next_rules(one: JobSubject, value_of: Callable[[Job], Any], noun: str = "") -> list[Rule]:
    """How a value changes after each out-of-memory, and the retry rule; nothing if it stays the same.

    ``value_of`` is the value of a job. ``noun`` is written before it, such as ``the flavor``.
    """
    found: list[Rule] = []
    value = value_of(one.job)
    for number, (name, job, where) in enumerate(_larger_jobs(one), 1):
        previous, value = value, value_of(job)
        if value == previous:
            continue
        times = "" if number == 1 else f" for the {_ordinal(number)} time"
        shown = f"{noun} {_quoted(value)}" if noun else f"{_quoted(value)}, by the flavor `{name}`"
        found.append(Rule("next", f"after out-of-memory{times}, the next try gets {shown.strip()}", where))
    where_rule = _place_of_rule(one)
    if found and where_rule:
        found.append(Rule("next", f"the retry rule has `then: {_THEN}`", where_rule))
    return found


def next_of_flavor(one: JobSubject) -> list[Rule]:
    """The flavors of the tries after out-of-memory, and why the last of them is the largest."""
    found = next_rules(one, lambda job: job.flavor.name, "the flavor")
    last = one.job.larger_flavors[-1].flavor if one.job.larger_flavors else one.job.flavor
    if one.job.largest_because and (where := _place_of_next(one.subject, last.name)):
        found.append(Rule("next", f"no try gets a flavor after `{last.name}`: {one.job.largest_because}", where))
    return found


def next_of_size(one: JobSubject, key: KeyPath) -> list[Rule]:
    """The same for one size of the flavor: ``("limits", "memory")`` or ``("memory",)``."""
    name = _SIZES.get(str(key[-1]), str(key[-1]))
    is_request = key[0] == "requests"
    return next_rules(one, lambda job: (job.flavor.requests if is_request else job.flavor.limits).get(name))


def _larger_jobs(one: JobSubject) -> Iterator[tuple[str, Job, Place]]:
    """Each larger flavor in its order, the job with it, and the ``next`` that names it."""
    name = one.job.flavor.name
    for larger in one.job.larger_flavors:
        where = _place_of_next(one.subject, name)
        name = larger.flavor.name
        if where is not None:
            yield name, with_larger_flavor(one.job, larger), where


def _place_of_next(subject: Subject, flavor: str) -> Place | None:
    for layer in reversed(flavor_definitions(subject, flavor)):
        node = as_map(layer.node).get("next")
        if node is not None:
            return place(node.position)
    return None


def _place_of_rule(one: JobSubject) -> Place | None:
    node = one.tree.get("retries")
    if isinstance(node, Scalar):
        node = one.scope.tables.retries.known.get(node.text)
    for item in items_of(as_map(node).get("on")):
        then = item.get("then") if isinstance(item, MapNode) else None
        if isinstance(then, Scalar) and then.value == _THEN:
            return place(then.position)
    return None


def _quoted(value: Any) -> str:
    if value is None:
        return "no value"
    return f"`{value if isinstance(value, str) else json.dumps(value, default=str)}`"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
