"""Text functions of run-time templates. The size of a result is checked before the result is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.filters import do_batch, do_indent, do_tojson

from dag_factory.config.expressions.data import LimitExceeded
from dag_factory.config.expressions.run_time_values import DATES, SCALARS, NotAllowed
from dag_factory.settings import BOUNDS

_COMPARED = 10**8  # characters of a text, multiplied by those of the text to find in it
_BY_WEEKDAY = frozenset(("first_of", "last_of", "next", "previous"))
_DATE_TEXT = 200  # characters of a format or of the name of a time zone


def fits(size: int) -> None:
    """Raise ``LimitExceeded`` if a text of this size is too long."""
    if size > BOUNDS.rendered_bytes:
        raise LimitExceeded(f"a text in a template would be longer than {BOUNDS.rendered_bytes:,} characters")


def sized(text: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a text with checked arguments: numbers can be widths, and texts can be searched at each index."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        fits(sum(abs(value) for value in values if isinstance(value, int)))
        if len(text) * max((len(value) for value in values if isinstance(value, str)), default=0) > _COMPARED:
            raise LimitExceeded("a text in a template is too long for this search")
        return function(*args, **kwargs)

    return bounded


def short(function: Callable[..., Any]) -> Callable[..., Any]:
    """A date function that accepts only numbers, dates and short texts."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            if not isinstance(value, (*SCALARS, *DATES)) or (isinstance(value, str) and len(value) > _DATE_TEXT):
                message = f"a date function accepts only numbers, dates and text of at most {_DATE_TEXT} characters"
                raise NotAllowed(message)
        return function(*args, **kwargs)

    return bounded


def dated(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a date without a locale, which would be searched among the modules of Python."""
    bounded = short(function)

    def without_locale(*args: Any, **kwargs: Any) -> Any:
        if name in _BY_WEEKDAY and any(isinstance(value, float) for value in (*args, *kwargs.values())):
            # With 0.5, pendulum would search until the year 9999.
            raise NotAllowed(f"`{name}` accepts only a whole number as the day of the week")
        if "locale" in kwargs or len([value for value in args if isinstance(value, str)]) > 1:
            raise NotAllowed("a date method does not accept a locale in a template")
        return bounded(*args, **kwargs)

    return without_locale


def trimmed(text: Any, chars: str | None = None) -> str:
    """The filter `trim`."""
    text = str(text)
    return str(sized(text, text.strip)(chars))


def replaced(text: Any, old: str, new: str, count: int | None = None) -> str:
    """The filter and method `replace`."""
    text = str(text)
    fits(len(text) + text.count(old) * len(new))
    return str(text.replace(old, new, -1 if count is None else count))


@jinja2.pass_environment
def joined(
    environment: jinja2.Environment, values: Any, separator: str = "", attribute: str | int | None = None
) -> str:
    """The filter `join`."""
    if attribute is not None:
        values = (environment.getitem(value, attribute) for value in values)
    return joined_by(separator, values)


def joined_by(separator: Any, values: Any) -> str:
    """The method `join` of a text."""
    parts = [str(value) for value in values]
    fits(sum(map(len, parts)) + len(str(separator)) * len(parts))
    return str(separator).join(parts)


def formatted(text: Any, /, *args: Any, **kwargs: Any) -> str:
    """Format as `%` of Python does. The size is checked first, because a width can be any number."""
    text = str(text)
    longest = max((len(str(value)) for value in (*args, *kwargs.values())), default=0)
    widths = sum(map(int, re.findall(r"[0-9]+", text)))
    if "*" in text:
        widths += sum(abs(value) for value in args if isinstance(value, int))
    fits(len(text) + widths + text.count("%") * (longest + 400))  # 400: a number with all its digits
    return str(text % (kwargs or args))


@jinja2.pass_eval_context
def as_json(eval_ctx: nodes.EvalContext, value: Any, indent: int | None = None) -> str:
    """The filter `tojson`."""
    if indent is not None and not 0 <= indent <= 16:
        raise LimitExceeded("the indent of `tojson` must be from 0 to 16")
    return str(do_tojson(eval_ctx, value, indent))


def indented(text: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """The filter `indent`."""
    text = str(text)
    fits(len(text) + (len(width) if isinstance(width, str) else width) * (text.count("\n") + 2))
    return str(do_indent(text, width, first, blank))


def batched(values: Any, count: int, fill: Any = None) -> Iterator[Any]:
    """The filter `batch`."""
    fits(count)
    return do_batch(values, count, fill)


METHODS: dict[str, Callable[..., str]] = {"join": joined_by, "replace": replaced}
"""Methods of a text whose result can be longer than all of their arguments."""
