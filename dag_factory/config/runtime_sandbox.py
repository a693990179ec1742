"""Jinja for ``{{ }}`` when a task runs: no live object is reachable, and work and output are bounded.

A template sees plain data, dates, and what stands for an object of Airflow: a ``Handle``, which gives listed
attributes as data, or a ``Function``, which can only be called. The type of a value decides which methods it has.
The rules that ``dagf check`` applies to a file apply here once more.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Set, ValuesView
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.filters import do_batch, do_indent, do_tojson
from jinja2.runtime import Context, LoopContext, Undefined, missing
from jinja2.sandbox import SecurityError
from jinja2.utils import Namespace

from dag_factory.config import budget, runtime_rules
from dag_factory.config import runtime_names as names
from dag_factory.config.later import COMMENT_MARKS
from dag_factory.config.sandbox import Guard, Sandbox, TooMuch
from dag_factory.config.tree import CHARACTERS
from dag_factory.settings import BOUNDS

_SCALARS = (str, int, float, type(None))
_DATES = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
_INTERNAL = (Context, nodes.EvalContext, jinja2.Environment)
_UNMEASURED = frozenset("count d default defined e escape first last length none undefined".split())
"""Filters and tests whose work does not depend on the size of what they are given."""
_DATE_TEXT = 200  # characters of a format or the name of a time zone


class Refused(SecurityError):
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


class _Method:
    """A method of a value, on its way to the call."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


Lookup = Callable[[Mapping[str, Any], str], Any]
"""The value of a name in Airflow's context: plain data, a ``Handle``, a ``Function``, or Jinja's ``missing``."""


class _Context(Context):
    """One rendering. Its names are those that ``Lookup`` gives, each looked up once."""

    environment: TaskSandbox

    def __init__(self, environment: jinja2.Environment, *args: Any, **kwargs: Any) -> None:
        super().__init__(environment, *args, **kwargs)
        self.found: dict[str, Any] = {}
        self.environment.begin()

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key not in self.found:
            self.found[key] = self.environment.named(self.parent, key)
        return self.found[key]


class _TaskGuard(Guard):
    """Beside what the parse-time sandbox counts: operands are checked, and a call looks for a method."""

    def visit_Call(self, node: nodes.Call) -> nodes.Call:
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr):
            target = node.node
            arguments: list[nodes.Expr] = [nodes.Const(target.attr, lineno=node.lineno)]
            node.node = nodes.Filter(target.node, "_method", arguments, [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        node.nodes = [self.filtered(one, "_measured") for one in node.nodes]
        return self._measure(node)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        node.expr = self.filtered(node.expr, "_measured")
        for operand in node.ops:
            operand.expr = self.filtered(operand.expr, "_measured")
        return node


class TaskSandbox(Sandbox):
    """The environment in which a worker renders the templates of a job."""

    def __init__(
        self,
        lookup: Lookup,
        allow: Set[str] = frozenset(),
        filters: Mapping[str, Callable[..., Any]] | None = None,
        extensions: tuple[type[Extension], ...] = (),
    ) -> None:
        """``filters`` are added to those of the vocabulary; ``allow`` is what the environment allows by name."""
        super().__init__(
            BOUNDS.rendered_bytes,
            comment_start_string=COMMENT_MARKS[0],
            comment_end_string=COMMENT_MARKS[1],
            extensions=["jinja2.ext.do", *extensions],
        )
        self.context_class = _Context
        self._lookup = lookup
        self._allow = allow
        builtin: Any = jinja2.defaults.DEFAULT_FILTERS
        chosen = {name: builtin[name] for name in names.FILTERS if name in builtin}
        chosen |= {"attr": self.getattr, "format": _formatted, "join": _joined, "replace": _replaced, **(filters or {})}
        chosen |= {"round": self.filters["round"], "indent": _indented, "batch": _batched, "tojson": _json}
        self.filters = {name: self._bounded(name, function) for name, function in chosen.items()}
        self.filters |= {"_counted": self._counted, "_measured": self.measured, "_method": self._method}
        tests: Any = jinja2.defaults.DEFAULT_TESTS
        self.tests = {name: self._bounded(name, tests[name]) for name in names.TESTS}
        self.globals = {}
        self._functions = {
            "dict": Function("dict", dict),
            "namespace": Function("namespace", Namespace),
            "range": Function("range", self._range),
        }

    def begin(self) -> None:
        """Start the count of work, of loop turns and of written text for one rendering."""
        budget.begin()
        super().begin()
        self._left = BOUNDS.rendered_values

    def named(self, context: Mapping[str, Any], name: str) -> Any:
        """A name's value in Airflow's context, or Jinja's ``missing``."""
        if name in self._functions:
            return self._functions[name]
        value = self._lookup(context, name)
        return value if value is missing or isinstance(value, (Handle, Function)) else self.measured(value)

    def measured(self, value: Any) -> Any:
        """The value itself. Raises ``Refused`` for what is no data, ``TooMuch`` where all of it is too large."""
        self._left = self._spend(value, self._left)
        return value

    def _spend(self, value: Any, left: int) -> int:
        left -= 1
        if isinstance(value, str):
            if len(value) > BOUNDS.rendered_bytes:
                raise TooMuch(f"a text in a template is longer than {BOUNDS.rendered_bytes:,} characters")
            left -= len(value) // CHARACTERS
        elif isinstance(value, int):
            left -= value.bit_length() // (8 * CHARACTERS)
        elif isinstance(value, (list, tuple, dict)):
            items: Any = value
            if isinstance(value, dict):
                left -= sum(len(key) for key in value if isinstance(key, str)) // CHARACTERS
                items = value.values()
            for item in items:
                left = self._spend(item, left)
        elif isinstance(value, range):
            left -= len(value)
        elif isinstance(value, Undefined):
            str(value)  # raises, and names what is missing
        elif not isinstance(value, (*_SCALARS, *_DATES)) and not self._is_opened(value):
            raise Refused(f"a template cannot use {_called(value)} as a value")
        if left < 0:
            raise TooMuch(f"a template uses more than {BOUNDS.rendered_values:,} values")
        return left

    def _is_opened(self, value: Any) -> bool:
        """Whether a value can only come from a name that the environment allows."""
        ours = (Handle, Function, _Method, Namespace, LoopContext, *_INTERNAL)
        dangerous = (ModuleType, CodeType, FrameType, TracebackType)
        return bool(self._allow) and not isinstance(value, (*ours, *dangerous))

    def _plain(self, value: Any) -> Any:
        """What a filter or a function gave, as data of its own: no iterators, no marked-up text."""
        if isinstance(value, (Undefined, Namespace)):
            return value
        if isinstance(value, str) and hasattr(value, "__html__"):
            value = str.__str__(value)
        elif isinstance(value, (Iterator, KeysView, ValuesView, ItemsView)):
            value = list(self._counted(value))
        return self.measured(value)

    def _bounded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A filter or a test whose arguments and result are measured; Jinja's marks on it are kept."""
        measures = name not in _UNMEASURED

        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            if measures:
                for value in (*args, *kwargs.values()):
                    if not isinstance(value, _INTERNAL):
                        self.measured(value)
            return self._plain(function(*args, **kwargs))

        return bounded

    def _written(self, value: Any) -> str:
        return self.counted_text(str(self.measured(value)))

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for (code, message, hint), _ in runtime_rules.check(source, self, self._allow):
            if code != "undefined-name":  # Jinja says so itself when the name is used
                raise Refused(f"{message}: {hint}" if hint else message)
        return super()._generate(source, *args, **kwargs)

    guard = _TaskGuard

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):  # a key called `items` is a key
            return self.getitem(obj, attribute)
        if isinstance(obj, Handle):
            if attribute not in obj.attributes:
                raise Refused(f"`{obj.name}.{attribute}` is not available in a template")
            value = obj.read(attribute)
            return value if isinstance(value, Function) or callable(value) else self.measured(value)
        if isinstance(obj, Function) and attribute in obj.below:
            return obj.below[attribute]
        if isinstance(obj, Namespace):
            return self.undefined(obj=obj, name=attribute) if attribute.startswith("_") else getattr(obj, attribute)
        if attribute in _readable(obj):
            value = getattr(obj, attribute, missing)
            if value is not missing and not callable(value):
                return self._plain(value)
        elif self._is_foreign(obj) and not attribute.startswith("_"):
            value = getattr(obj, attribute)
            if not isinstance(value, (ModuleType, CodeType, FrameType, TracebackType)):
                return value
        if attribute.startswith("__"):
            raise Refused(f"a template cannot read `{attribute}`")
        if attribute in _methods(obj):
            return self.undefined(f"`{attribute}` is a method of {_called(obj)}: write `.{attribute}()`")
        return self.undefined(obj=obj, name=attribute) if not isinstance(obj, Undefined) else obj

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and not isinstance(obj, (dict, list, tuple, str, Undefined)):
            return self.getattr(obj, argument)
        if isinstance(argument, str) and argument.startswith("__") and not isinstance(obj, dict):
            raise Refused(f"a template cannot read `{argument}`")
        if isinstance(argument, str) and isinstance(obj, tuple) and argument in getattr(obj, "_fields", ()):
            return getattr(obj, argument)  # `grouper` and `list` of the filter `groupby`
        if self._is_foreign(obj):
            return obj[argument]
        return super().getitem(obj, argument)

    def _is_foreign(self, obj: Any) -> bool:
        plain = (*_SCALARS, *_DATES, list, tuple, dict, range, Undefined)
        return self._is_opened(obj) and not isinstance(obj, plain)

    def _method(self, obj: Any, name: str) -> Any:
        """What `obj.name(...)` calls."""
        if isinstance(obj, (Handle, Function)):
            value = self.getattr(obj, name)
            return value if isinstance(value, Function) else _Method(value)
        if self._is_foreign(obj):
            return _Method(self.getattr(obj, name))
        found = getattr(obj, name, None) if name in _methods(obj) else None
        if not callable(found):
            if name.startswith("_"):
                raise Refused(f"a template cannot call `{name}`")
            str(obj) if isinstance(obj, Undefined) else None
            raise Refused(f"a template cannot call `{name}` of {_called(obj)}")
        if isinstance(obj, str):
            own = {"join": _joined_by, "replace": _replaced}.get(name)
            found = functools.partial(own, obj) if own else _sized(found)
        elif isinstance(obj, _DATES):
            found = _dated(found)
        return _Method(found)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        if not isinstance(__obj, (Function, _Method)):
            raise Refused(f"a template cannot call {_called(__obj)}")
        for value in (*args, *kwargs.values()):
            __self.measured(value)
        kwargs = {name: value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")}
        return __self._plain(__obj.function(*args, **kwargs))

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        self.measured(left)
        self.measured(right)
        if operator == "%" and isinstance(left, str):
            return _formatted(left, **right) if isinstance(right, dict) else _formatted(left, *_tuple(right))
        if operator == "*" and any(isinstance(one, datetime.timedelta) for one in (left, right)):
            return left * right
        return super().call_binop(context, operator, left, right)


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _called(value: Any) -> str:
    if isinstance(value, (Handle, Function)):
        return f"`{value.name}`"
    return {str: "a text", dict: "a map", list: "a list"}.get(type(value), f"a {type(value).__name__}")


def _methods(value: Any) -> frozenset[str]:
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


def _readable(value: Any) -> frozenset[str] | tuple[str, ...]:
    """The attributes of a value that are data."""
    if isinstance(value, AssetName):
        return ("name", "uri")
    if isinstance(value, tuple):
        return getattr(value, "_fields", ())
    return _methods(value) if isinstance(value, (*_DATES, LoopContext)) else ()


class AssetName(str):
    """The name of an asset, which knows the asset's URI."""

    uri: str

    def __new__(cls, name: str, uri: str) -> AssetName:
        self = super().__new__(cls, name)
        self.uri = uri
        return self

    @property
    def name(self) -> str:
        return str.__str__(self)


def _fits(size: int) -> None:
    if size > BOUNDS.rendered_bytes:
        raise TooMuch(f"a text in a template would be longer than {BOUNDS.rendered_bytes:,} characters")


def _sized(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a text, whose numbers may be widths."""

    def sized(*args: Any, **kwargs: Any) -> Any:
        _fits(sum(abs(value) for value in (*args, *kwargs.values()) if isinstance(value, int)))
        return function(*args, **kwargs)

    return sized


def _dated(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a date."""

    def dated(*args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            if not isinstance(value, (*_SCALARS, *_DATES)) or (isinstance(value, str) and len(value) > _DATE_TEXT):
                raise Refused(f"a method of a date takes numbers, dates and at most {_DATE_TEXT} characters of text")
        if "locale" in kwargs or len([value for value in args if isinstance(value, str)]) > 1:
            raise Refused("a method of a date takes no locale in a template")
        return function(*args, **kwargs)

    return dated


def _replaced(text: Any, old: str, new: str, count: int | None = None) -> str:
    text = str(text)
    _fits(len(text) + text.count(old) * len(new))
    return str(text.replace(old, new, -1 if count is None else count))


@jinja2.pass_environment
def _joined(
    environment: jinja2.Environment, values: Any, separator: str = "", attribute: str | int | None = None
) -> str:
    if attribute is not None:
        values = (environment.getitem(value, attribute) for value in values)
    return _joined_by(separator, values)


def _joined_by(separator: Any, values: Any) -> str:
    parts = [str(value) for value in values]
    _fits(sum(map(len, parts)) + len(str(separator)) * len(parts))
    return str(separator).join(parts)


def _formatted(text: Any, *args: Any, **kwargs: Any) -> str:
    """Format as Python's `%` does. The size is bounded before: a width may be any number."""
    text = str(text)
    longest = max((len(str(value)) for value in (*args, *kwargs.values())), default=0)
    widths = sum(map(int, re.findall(r"[0-9]+", text)))
    if "*" in text:
        widths += sum(abs(value) for value in args if isinstance(value, int))
    _fits(len(text) + widths + text.count("%") * (longest + 400))  # 400: a number with all its digits
    return text % (kwargs or args)


@jinja2.pass_eval_context
def _json(eval_ctx: nodes.EvalContext, value: Any, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= 16:
        raise TooMuch("`tojson` takes an indent from 0 to 16")
    return str(do_tojson(eval_ctx, value, indent))


def _indented(text: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text = str(text)
    _fits(len(text) + (len(width) if isinstance(width, str) else width) * (text.count("\n") + 2))
    return str(do_indent(text, width, first, blank))


def _batched(values: Any, count: int, fill: Any = None) -> Iterator[Any]:
    _fits(count)
    return do_batch(values, count, fill)
