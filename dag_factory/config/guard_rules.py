"""Every limit that holds for a pipeline, as data: a model carries it to the worker."""

from __future__ import annotations

from typing import Any

import msgspec


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: ``by`` names who set it, as ``the team `growth` ``; ``words`` are its patterns or names."""

    by: str
    file: str
    line: int
    words: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where the rule is written: ``file:line``."""
        return f"{self.file}:{self.line}"


class Limit(msgspec.Struct, frozen=True):
    """The most that a pod may use of one resource, as a Kubernetes quantity."""

    by: str
    file: str
    line: int
    most: str

    @property
    def place(self) -> str:
        """Where the limit is written: ``file:line``."""
        return f"{self.file}:{self.line}"


class Bound(msgspec.Struct, frozen=True):
    """The most that a pipeline may ask for under one key, durations in seconds; ``text`` is as written.

    Of ``min_schedule_interval`` it is the least.
    """

    by: str
    file: str
    line: int
    most: int
    text: str

    @property
    def place(self) -> str:
        """Where the bound is written: ``file:line``."""
        return f"{self.file}:{self.line}"


class PlatformLayers(msgspec.Struct, frozen=True):
    """What layers of the platform's files add to a pod: the way to nodes, and containers with their `resources`."""

    selector: dict[str, str] = {}
    tolerations: tuple[dict[str, Any], ...] = ()
    containers: dict[str, dict[str, Any]] = {}


class OtherNodes(msgspec.Struct, frozen=True):
    """The nodes that only flavors outside a team's list use: labels with their values, and tolerations."""

    by: str
    file: str
    line: int
    selectors: dict[str, tuple[str, ...]]
    tolerations: tuple[dict[str, Any], ...]
    hosts: tuple[str, ...] = ()  # nodes that the team's own flavors name


class Guards(msgspec.Struct, frozen=True, omit_defaults=True):
    """The limits of an environment and of its teams together; the empty value allows everything.

    ``limits`` are by Kubernetes' names of resources, and ``gpu`` for cards under any name; of several limits the
    lowest is here.
    """

    images: tuple[Rule, ...] = ()  # an image must match a pattern of each
    forbid_latest: Rule | None = None
    limits: dict[str, Limit] = {}
    flavors: tuple[Rule, ...] = ()  # a flavor must match a pattern of each
    flavor_limits: dict[str, Limit] = {}  # as `limits`: the most that one of the flavors on the list gives
    platform_containers: dict[str, dict[str, Any]] = {}  # that do not count for `flavor_limits`: `resources` by name
    nodes: tuple[OtherNodes, ...] = ()  # for each list of flavors
    require: tuple[Rule, ...] = ()  # keys of jobs that the final pod must have
    pod_security: Rule | None = None  # its word is the strictest level
    allow: dict[str, tuple[Rule, ...]] = {}  # allow-lists by their keys; what a pod refers to must match each of a key
    bounds: dict[str, Bound] = {}  # by the keys of `limits`; of several bounds the strictest is here


NONE = Guards()
"""No limits."""
