"""The values of expressions: conversion to plain data and to text, and their size.

All expressions of a file share ``BOUNDS.expression_steps``; ``spend_steps`` counts them.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import jinja2

from dag_factory.config import budget
from dag_factory.config.tree import CHARACTERS
from dag_factory.settings import BOUNDS

_NOT_DNS = re.compile(r"[^a-z0-9]+")


class LimitExceeded(jinja2.TemplateRuntimeError):
    """An expression exceeds one of its limits."""


def dns(value: object) -> str:
    """A valid Kubernetes name: lower case, digits and dashes, at most 63 characters."""
    return _NOT_DNS.sub("-", str(value).lower()).strip("-")[:63].rstrip("-")


def to_text(value: object) -> str:
    """A value as text: text as it is, and any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(to_data(value), sort_keys=True)


def to_data(value: Any) -> Any:
    """The value of an expression as plain data. Iterators, such as the result of ``map``, become lists.

    Raises ``TypeError`` if the value is not data, and ``LimitExceeded`` if it is too large.
    """
    return _to_data(value, [BOUNDS.values])


def _to_data(value: Any, left: list[int]) -> Any:
    left[0] -= 1 + (len(value) // CHARACTERS if isinstance(value, str) else 0)
    if left[0] < 0:
        raise LimitExceeded("an expression produces too many values")
    if isinstance(value, jinja2.Undefined):
        return str(value)  # strict undefined: raises an error that names the missing value
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise TypeError("the result of an expression contains half of a surrogate pair")
        if "\0" in value:
            raise TypeError("the result of an expression contains a NUL character, which databases cannot store")
        return str(value)
    if isinstance(value, int) and abs(value) > BOUNDS.whole_number:
        raise TypeError("the result of an expression is a number of more than 64 bits")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError("the result of an expression is infinite or not a number")
        return value
    if isinstance(value, dict):
        return {_to_data(str(key), left): _to_data(item, left) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)) or hasattr(value, "__next__"):
        return [_to_data(item, left) for item in value]
    raise TypeError(f"the result of an expression must be plain data, not a {type(value).__name__}")


def count_values(value: Any) -> int:
    """The size of a value, as ``tree.count_values`` counts it. Raises ``LimitExceeded`` if it is too large."""
    return BOUNDS.values - spend_values(value, BOUNDS.values)


def spend_values(value: Any, left: int) -> int:
    """What is left of a number of values after a value is subtracted. Raises ``LimitExceeded`` if nothing is left."""
    left -= 1
    if left < 0:
        raise LimitExceeded("an expression produces too many values")
    if isinstance(value, str):
        if len(value) > BOUNDS.expression_bytes:
            raise LimitExceeded(f"a text in an expression is longer than {BOUNDS.expression_bytes:,} characters")
        return left - len(value) // CHARACTERS
    if isinstance(value, int):
        return left - value.bit_length() // (8 * CHARACTERS)
    if isinstance(value, range):
        return left - len(value)
    if isinstance(value, dict):
        left -= sum(len(key) for key in value if isinstance(key, str)) // CHARACTERS
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            left = spend_values(item, left)
    return left


def spend_steps(steps: int) -> None:
    """Count steps of the file. Raises ``LimitExceeded`` if they are too many."""
    if not budget.spend_steps(steps):
        raise LimitExceeded(f"the expressions of this file take more than {BOUNDS.expression_steps:,} steps")


def item_count(value: Any) -> int:
    """The number of items in a value. Sixteen characters of text count as one item."""
    if isinstance(value, str):
        return len(value) // CHARACTERS
    return len(value) if isinstance(value, (list, tuple, dict, range)) else 0
