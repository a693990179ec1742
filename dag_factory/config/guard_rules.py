"""The limits of a pipeline as data, which its model carries to the worker."""

from __future__ import annotations

from typing import Any

import msgspec


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: ``by`` names who set it, such as ``the team `growth` ``; ``words`` are its patterns or names."""

    by: str
    file: str
    line: int
    words: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """The position of the rule: ``file:line``."""
        return f"{self.file}:{self.line}"


class Limit(msgspec.Struct, frozen=True):
    """The maximum of one resource for a pod, as a Kubernetes quantity."""

    by: str
    file: str
    line: int
    most: str

    @property
    def location(self) -> str:
        """The position of the limit: ``file:line``."""
        return f"{self.file}:{self.line}"


class Bound(msgspec.Struct, frozen=True):
    """The maximum for one key of a pipeline, durations in seconds; ``text`` is the text in the file.

    For ``min_schedule_interval`` it is the minimum.
    """

    by: str
    file: str
    line: int
    most: int
    text: str

    @property
    def location(self) -> str:
        """The position of the bound: ``file:line``."""
        return f"{self.file}:{self.line}"


class PlatformLayers(msgspec.Struct, frozen=True):
    """What the layers of the platform's files add to a pod; ``containers`` has their `resources` by name."""

    selector: dict[str, str] = {}
    tolerations: tuple[dict[str, Any], ...] = ()
    containers: dict[str, dict[str, Any]] = {}


class OtherNodes(msgspec.Struct, frozen=True):
    """The nodes that only flavors outside a team's list use, by labels with their values, and by tolerations."""

    by: str
    file: str
    line: int
    selectors: dict[str, tuple[str, ...]]
    tolerations: tuple[dict[str, Any], ...]
    hosts: tuple[str, ...] = ()  # nodes that the team's own flavors name


class Guards(msgspec.Struct, frozen=True, omit_defaults=True):
    """The limits of an environment and of its teams combined; the empty value allows everything.

    ``limits`` are by the Kubernetes names of resources, and ``gpu`` for GPUs under any name. Of several limits, the
    lowest applies.
    """

    images: tuple[Rule, ...] = ()  # an image must match a pattern of each
    forbid_latest: Rule | None = None
    limits: dict[str, Limit] = {}
    flavors: tuple[Rule, ...] = ()  # a flavor must match a pattern of each
    flavor_limits: dict[str, Limit] = {}  # as `limits`: the maximum over the allowed flavors
    platform_containers: dict[str, dict[str, Any]] = {}  # not counted for `flavor_limits`: `resources` by name
    nodes: tuple[OtherNodes, ...] = ()  # for each list of flavors
    require: tuple[Rule, ...] = ()  # keys of jobs that the final pod must set
    pod_security: Rule | None = None  # its only word is the strictest level
    allow: dict[str, tuple[Rule, ...]] = {}  # by key: what a pod refers to must match every list
    bounds: dict[str, Bound] = {}  # by the keys of `limits`; of several bounds, the strictest applies


NONE = Guards()
"""No limits."""
