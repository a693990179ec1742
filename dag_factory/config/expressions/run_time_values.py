"""The values that a run-time template can use, and the methods and attributes of each type.

Plain data and dates are used as they are. A ``Handle`` replaces an object of Airflow, and a ``Function`` replaces
something that a template can call.
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
"""Objects of the interpreter. They are never allowed as values, whatever an environment allows."""


class NotAllowed(SecurityError):
    """A template uses something that it must not use."""


class Handle:
    """An object of Airflow in a template: ``read`` returns one of ``attributes`` as data."""

    __slots__ = ("attributes", "name", "read")

    def __init__(self, name: str, attributes: Set[str], read: Callable[[str], Any]) -> None:
        self.name = name
        self.attributes = attributes
        self.read = read


class Function:
    """A function that a template can call by name, with its own functions (``macros.datetime.strptime``)."""

    __slots__ = ("below", "function", "name")

    def __init__(self, name: str, function: Callable[..., Any], below: Mapping[str, Function] | None = None) -> None:
        self.name = name
        self.function = function
        self.below = below or {}


class Method:
    """A method of a value that is about to be called."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def describe(value: Any) -> str:
    """A phrase for a value in a message."""
    if isinstance(value, (Handle, Function)):
        return f"`{value.name}`"
    words: dict[type, str] = {str: "a text", dict: "a map", list: "a list"}
    return words.get(type(value), f"a {type(value).__name__}")


def methods(value: Any) -> frozenset[str]:
    """The methods and attributes that the type of a value has."""
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
    """The name of an asset, with the URI of the asset as an attribute."""

    uri: str

    def __new__(cls, name: str, uri: str) -> AssetName:
        self = super().__new__(cls, name)
        self.uri = uri
        return self

    @property
    def name(self) -> str:
        """The name as plain text."""
        return str.__str__(self)
