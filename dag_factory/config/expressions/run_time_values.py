"""The values that a template can have, and what each type of value gives.

Plain data and dates are themselves. A ``Handle`` stands for an object of Airflow, a ``Function`` for what a template
can call.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Set
from types import CodeType, FrameType, GeneratorType, ModuleType, TracebackType
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext

from dag_factory.config.expressions import run_time_names as names

SCALARS = (str, int, float, type(None))
DATES = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
INTERPRETER = (ModuleType, CodeType, FrameType, TracebackType, GeneratorType)
"""Python's own objects: never a value, whatever an environment allows."""


class NotAllowed(SecurityError):
    """A template asks for what it may not have."""


class Handle:
    """An object of Airflow as a template sees it: ``read`` gives one of ``attributes`` as data."""

    __slots__ = ("attributes", "name", "read")

    def __init__(self, name: str, attributes: Set[str], read: Callable[[str], Any]) -> None:
        self.name = name
        self.attributes = attributes
        self.read = read


class Function:
    """What a template can call by name, with the functions below it (``macros.datetime.strptime``)."""

    __slots__ = ("below", "function", "name")

    def __init__(self, name: str, function: Callable[..., Any], below: Mapping[str, Function] | None = None) -> None:
        self.name = name
        self.function = function
        self.below = below or {}


class Method:
    """A method of a value, on its way to the call."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def describe(value: Any) -> str:
    """A value in a message."""
    if isinstance(value, (Handle, Function)):
        return f"`{value.name}`"
    words: dict[type, str] = {str: "a text", dict: "a map", list: "a list"}
    return words.get(type(value), f"a {type(value).__name__}")


def methods(value: Any) -> frozenset[str]:
    """The methods and attributes of a value of this type."""
    for kind, found in _TYPES:
        if isinstance(value, kind):
            return found
    return frozenset()


_TYPES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, names.TEXT),
    (dict, names.DICT),
    (list, names.LIST),
    (tuple, names.LIST),
    (datetime.datetime, names.DATETIME),
    (datetime.date, names.DATE),
    (datetime.time, names.TIME),
    (datetime.timedelta, names.TIMEDELTA),
    (LoopContext, names.LOOP),
)


def readable_attributes(value: Any) -> frozenset[str] | tuple[str, ...]:
    """The attributes of a value that are data."""
    if isinstance(value, AssetName):
        return ("name", "uri")
    if isinstance(value, tuple):
        return getattr(value, "_fields", ())
    return methods(value) if isinstance(value, (*DATES, LoopContext)) else ()


class AssetName(str):
    """The name of an asset, which knows the asset's URI."""

    uri: str

    def __new__(cls, name: str, uri: str) -> AssetName:
        self = super().__new__(cls, name)
        self.uri = uri
        return self

    @property
    def name(self) -> str:
        """The name as a plain text."""
        return str.__str__(self)
