"""The data of an explanation: where the value of one field comes from, in each environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from dag_factory.config.problems import Problem

Kind = Literal["file", "factory", "operator", "run time", "cluster admission", "default", "several"]
"""What set a value.

``file``: a file of the project. ``factory``: dagwright. ``operator``: Airflow's operator for pods. ``run time``: a
file, with a template that Airflow renders when the task runs. ``cluster admission``: the cluster, when it accepts the
pod. ``default``: nothing set the key, so its default applies. ``several``: a part of a pod, whose fields have different
origins.
"""
KINDS: tuple[Kind, ...] = ("file", "factory", "operator", "run time", "cluster admission", "default", "several")


class LineNote(Protocol):
    """What git knows about a line of a file."""

    @property
    def text(self) -> str:
        """One line of text."""


Notes = Mapping[tuple[str, int], LineNote]
"""Notes by file and line."""


class Place(msgspec.Struct, frozen=True):
    """A position in a file. ``column`` is 0 for a whole line, ``caller`` the place that calls the template."""

    file: str
    line: int
    column: int = 0
    caller: str = ""

    @property
    def text(self) -> str:
        """``file:line:column``."""
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


class Step(msgspec.Struct, frozen=True):
    """What one layer does to the value, low to high.

    ``key`` is the path in the language. ``value`` is computed; ``expression`` is the text with ``${{ }}`` that it was
    computed from. ``effect`` says how the layer was merged over those below it.
    """

    layer: str
    key: str
    effect: str
    place: Place
    value: Any = None
    has_value: bool = True
    expression: str = ""
    is_overridden: bool = False


class Rule(msgspec.Struct, frozen=True):
    """A rule of the platform that changes or bounds the value: a maximum, a mirror, a replacement, a default.

    ``next``: what a try after out-of-memory gets.
    """

    kind: Literal["maximum", "minimum", "allowed", "mirror", "replacement", "required", "schedules", "value", "next"]
    text: str
    place: Place


class Origin(msgspec.Struct, frozen=True):
    """One field with its value and what set it, for the list of all fields."""

    field: str
    kind: Kind
    value: Any
    layer: str = ""
    place: Place | None = None
    reason: str = ""


class Chain(msgspec.Struct, frozen=True):
    """The origin of the value in one environment. Without ``has_value``, the field is not set.

    ``parts`` are the single fields of a part of a pod.
    """

    environment: str
    kind: Kind
    value: Any = None
    has_value: bool = True
    reason: str = ""
    steps: tuple[Step, ...] = ()
    rules: tuple[Rule, ...] = ()
    parts: tuple[Origin, ...] = ()

    @property
    def setting_step(self) -> Step | None:
        """The step of the highest layer that is not overridden."""
        return next((step for step in reversed(self.steps) if not step.is_overridden), None)


class Explanation(msgspec.Struct, frozen=True):
    """One field with its chain in each environment. ``job`` is empty for a key of the pipeline.

    ``without`` has the environments in which the pipeline or the job does not exist.
    """

    pipeline: str
    job: str
    field: str
    chains: tuple[Chain, ...]
    without: tuple[str, ...] = ()


class Broken(msgspec.Struct, frozen=True):
    """A pipeline that has errors in an environment."""

    environment: str
    problems: tuple[Problem, ...]
