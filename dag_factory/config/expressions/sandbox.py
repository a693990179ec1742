"""A Jinja sandbox for untrusted expressions: no attributes, no calls into Python, limited work and output.

It extends the sandbox of Jinja in three ways: a dot only reads a key, every step is counted, and every value that an
expression builds is measured, so that no value grows by doubling. A step is about a microsecond, and all expressions of
a file share ``BOUNDS.expression_steps``. The limits do not depend on a clock.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.filters import make_attrgetter
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dag_factory.config import budget
from dag_factory.config.expressions.data import (
    LimitExceeded,
    count_values,
    dns,
    item_count,
    spend_steps,
    spend_values,
    to_data,
    to_text,
)
from dag_factory.config.expressions.escaping import as_argument, as_json
from dag_factory.config.expressions.limit_transformer import LimitTransformer
from dag_factory.settings import BOUNDS

_FILTERS = (
    "abs capitalize count d default dictsort escape first float int items last length list lower max min map reject "
    "rejectattr reverse select selectattr sort sum title trim truncate unique upper"
).split()
_TESTS = (
    "boolean defined divisibleby even false float ge gt in integer iterable le lower lt mapping ne none number odd "
    "sequence string true undefined upper eq equalto greaterthan lessthan sameas == != < <= > >="
).split()
_LOOP = frozenset("first index index0 last length revindex revindex0".split())
_DELIMITERS = {
    "block_start_string": "${%",
    "block_end_string": "%}",
    "variable_start_string": "${{",
    "variable_end_string": "}}",
    "comment_start_string": "${{#",
    "comment_end_string": "#}}",
}
_UNMEASURED = frozenset("count d default first last length".split())
"""Filters whose work does not depend on the size of their arguments."""
_ITEMS = 16  # items that C code processes in one step
_TAGS = re.compile(r"\$\{[{%].*?[%}]\}", re.DOTALL)


def _measure_value(value: Any) -> Any:
    spend_steps(1 + count_values(value) // _ITEMS)
    return value


def _count_compared(value: Any) -> Any:
    spend_steps(1 + item_count(value) // _ITEMS)
    return value


@lru_cache(1024)
def _cost(text: str) -> tuple[int, int]:
    """The steps to compile a text, and the steps to render it."""
    marked = sum(len(tag) for tag in _TAGS.findall(text))
    return 300 + 25 * marked, 30 + marked // 4 + len(text) // 40


def _replace(text: Any, old: str, new: str) -> str:
    text = to_text(text)
    if len(text) + text.count(old) * len(new) > BOUNDS.expression_bytes:
        raise LimitExceeded("the result of `replace` is too large")
    return str(text.replace(old, new))


def _join(values: Iterable[Any], separator: str = "") -> str:
    parts: list[str] = []
    size = 0
    for value in values:
        parts.append(to_text(value))
        size += len(parts[-1]) + len(separator)
        if size > BOUNDS.expression_bytes:
            raise LimitExceeded("the result of `join` is too large")
    return separator.join(parts)


def _round(value: float, precision: int = 0) -> float:
    if not -20 <= precision <= 20:
        raise LimitExceeded("the precision of `round` must be from -20 to 20")
    return round(value, precision)


@jinja2.pass_environment
def _sum(environment: Sandbox, values: Iterable[Any], attribute: Any = None, start: Any = 0) -> Any:
    """The filter `sum`. Each sum of lists is a new list, so each is counted."""
    total = start
    for value in values if attribute is None else map(make_attrgetter(environment, attribute), values):
        total = total + value
        spend_steps(1 + item_count(total) // _ITEMS)
    return total


class Sandbox(ImmutableSandboxedEnvironment):
    """The Jinja environment that computes ``${{ }}``."""

    guard: type[LimitTransformer] = LimitTransformer
    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def __init__(self, limit: int = BOUNDS.expression_bytes, **options: Any) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined,
            finalize=self._written,
            keep_trailing_newline=True,
            autoescape=False,
            cache_size=0,
            optimized=False,  # the optimizer of Jinja takes time cubic in the depth of an expression
            **(options or _DELIMITERS),
        )
        chosen: dict[str, Any] = {name: self.filters[name] for name in _FILTERS}
        chosen |= {"dns": dns, "tojson": lambda value: json.dumps(to_data(value), sort_keys=True)}
        chosen |= {
            "as_argument": lambda value: as_argument(to_data(value)),
            "as_json": lambda value: as_json(to_data(value)),
        }
        chosen |= {"string": to_text, "replace": _replace, "join": _join, "round": _round, "sum": _sum}
        self.filters = {name: self._measuring(function, name not in _UNMEASURED) for name, function in chosen.items()}
        self.filters |= {"_count_items": self._count_items, "_measured": _measure_value, "_compared": _count_compared}
        tests: dict[str, Any] = self.tests
        self.tests = {name: self._counting(tests[name]) for name in _TESTS}
        self.globals = {"range": self._range}
        self._turns = self._length = 0
        self._left = 10 * BOUNDS.values
        self._limit = limit

    def begin(self, text: str = "") -> None:
        """Reset the counts of loop turns, output and results of filters for one rendering of a text."""
        self._turns = self._length = 0
        self._left = 10 * BOUNDS.values
        compiling, rendering = _cost(text)
        spend_steps(rendering + (compiling if budget.is_new(text) else 0))

    @staticmethod
    def _counting(function: Callable[..., Any]) -> Callable[..., Any]:
        """A test with counted arguments. For example, `in` can search a long list for each item of another list."""

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            spend_steps(1 + sum(map(item_count, args)) // _ITEMS)
            return function(*args, **kwargs)

        return counted

    def _measuring(self, function: Callable[..., Any], looks_through: bool = True) -> Callable[..., Any]:
        """A filter with measured results. ``wraps`` keeps the attributes that Jinja reads."""

        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            spend_steps(1 + (sum(map(item_count, args)) if looks_through else 0))
            result = function(*args, **kwargs)
            before = self._left
            self._left = spend_values(result, before)
            spend_steps((before - self._left) // _ITEMS)
            return self._measure_lazily(result) if hasattr(result, "__next__") else result

        return bounded

    def _measure_lazily(self, values: Iterator[Any]) -> Iterator[Any]:
        """The items of a lazy filter, each measured when it is produced, because the template may keep it."""
        for value in values:
            spend_steps(1)
            self._left = spend_values(value, self._left)
            yield value

    def _written(self, value: Any) -> str:
        return self.counted_text(to_text(value))

    def counted_text(self, text: str) -> str:
        """The text itself. Raises ``LimitExceeded`` if the output so far is too long."""
        spend_steps(1 + len(text) // 40)
        self._length += len(text)
        if self._length > self._limit:
            raise LimitExceeded(f"the result is longer than {self._limit:,} characters")
        return text

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(self.guard().visit(source), *args, **kwargs)

    def _count_items(self, values: Iterable[Any], steps: int = 1) -> Iterator[Any]:
        for value in values:
            spend_steps(steps)
            self._turns += 1
            if self._turns > BOUNDS.values:
                raise LimitExceeded(f"the loops of an expression take more than {BOUNDS.values:,} turns")
            yield value

    @staticmethod
    def _range(*bounds: int) -> range:
        result = range(*bounds)
        if len(result) > BOUNDS.values:
            raise LimitExceeded("a range in an expression is too long")
        return result

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, jinja2.Undefined):
            return obj
        try:
            if isinstance(obj, (dict, list, tuple, str)):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=str(argument))

    def is_safe_callable(self, obj: Any) -> bool:
        return obj is Sandbox._range

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise LimitExceeded("`%` does not format text here: join text with `~`")
        if operator == "*" and self._factor_size(left) * self._factor_size(right) > 10**18:
            raise LimitExceeded("the result of `*` is too large")
        if operator == "**" and not (abs(right) <= 64 and abs(left) <= 10**9):
            raise LimitExceeded("the result of `**` is too large")
        return self._result(super().call_binop(context, operator, left, right))

    def _result(self, value: Any) -> Any:
        """Measure the result of an operator."""
        return _measure_value(value)

    @staticmethod
    def _factor_size(value: Any) -> int:
        """The size of a factor of a product. Texts and lists count so much that only small factors are allowed."""
        if isinstance(value, (str, list, tuple)):
            return (len(value) or 1) * 10**14
        return abs(int(value))
