"""The Jinja environment that renders ``{{ }}`` when a task runs. It exposes no live objects, and limits work.

A template can read plain data and dates. Objects of Airflow are replaced: a ``Handle`` gives listed attributes as data,
and a ``Function`` can only be called. The type of a value decides which methods it has. The rules that ``dagf check``
applies to files are applied again here.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Set, ValuesView
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.tests import TESTS
from jinja2.utils import Namespace, missing

from dag_factory.config import budget
from dag_factory.config.expressions import run_time_names as names
from dag_factory.config.expressions import run_time_rules
from dag_factory.config.expressions import run_time_text as text
from dag_factory.config.expressions.data import LimitExceeded
from dag_factory.config.expressions.escaping import COMMENT_MARKS
from dag_factory.config.expressions.limit_transformer import LimitTransformer
from dag_factory.config.expressions.run_time_values import (
    DATES,
    INTERPRETER,
    SCALARS,
    Function,
    Handle,
    Method,
    NotAllowed,
    describe,
    methods,
    readable_attributes,
)
from dag_factory.config.expressions.sandbox import Sandbox
from dag_factory.config.tree import CHARACTERS
from dag_factory.settings import BOUNDS

_INTERNAL = (Context, nodes.EvalContext, jinja2.Environment)
_BITS = 1024  # the most bits of a whole number
_DAY = 20  # values that a day counts; a filter can list the days of a pendulum interval, and each is a new date
_UNMEASURED = frozenset("count d default defined e escape first last length none undefined".split())
"""Filters and tests whose work does not depend on the size of their arguments."""
Lookup = Callable[[Mapping[str, Any], str], Any]
"""The value of a name in Airflow's context: plain data, a ``Handle``, a ``Function``, or Jinja's ``missing``."""


class _Context(Context):
    """The context of one rendering. Each name is looked up once."""

    environment: TaskSandbox

    def __init__(self, environment: jinja2.Environment, *args: Any, **kwargs: Any) -> None:
        super().__init__(environment, *args, **kwargs)
        self.found: dict[str, Any] = {}
        self.environment.begin()

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key not in self.found:
            self.found[key] = self.environment.resolve(self.parent, key)
        return self.found[key]


class _TaskGuard(LimitTransformer):
    """Counts what the compile-time sandbox counts, checks operands, and resolves methods of calls."""

    def visit_Call(self, node: nodes.Call) -> nodes.Call:
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr):
            target = node.node
            arguments: list[nodes.Expr] = [nodes.Const(target.attr, lineno=node.lineno)]
            node.node = nodes.Filter(target.node, "_method", arguments, [], None, None, lineno=node.lineno)
        if node.dyn_args is not None:  # Python unpacks it before the call
            node.dyn_args = self.filtered(node.dyn_args, "_count_items")
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Filter:
        self.generic_visit(node)
        if node.dyn_args is not None:
            node.dyn_args = self.filtered(node.dyn_args, "_count_items")
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Test:
        self.generic_visit(node)
        if node.dyn_args is not None:
            node.dyn_args = self.filtered(node.dyn_args, "_count_items")
        return node

    def visit_Concat(self, node: nodes.Expr) -> nodes.Expr:
        assert isinstance(node, nodes.Concat)
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

    guard = _TaskGuard

    def __init__(
        self,
        lookup: Lookup,
        allow: Set[str] = frozenset(),
        filters: Mapping[str, Callable[..., Any]] | None = None,
        extensions: tuple[type[Extension], ...] = (),
    ) -> None:
        """``filters`` are added to the allowed filters; ``allow`` are names that the environment allows in addition."""
        super().__init__(
            BOUNDS.rendered_bytes,
            comment_start_string=COMMENT_MARKS[0],
            comment_end_string=COMMENT_MARKS[1],
            extensions=["jinja2.ext.do", *extensions],
        )
        self.context_class = _Context
        self._work, self._begun = 0, False
        self._lookup = lookup
        self._allow = allow
        builtin: Any = FILTERS
        chosen = {name: builtin[name] for name in names.FILTERS if name in builtin}
        chosen |= {"attr": self.getattr, "round": self.filters["round"], "sum": self.filters["sum"]}
        chosen |= {"batch": text.batched, "format": text.formatted, "indent": text.indented, "join": text.joined}
        chosen |= {"replace": text.replaced, "tojson": text.as_json, "trim": text.trimmed, **(filters or {})}
        self.filters = {name: self._bounded(name, function) for name, function in chosen.items()}
        self.filters |= {"_count_items": self._count_items, "_measured": self.measure, "_method": self._method}
        tests: Any = TESTS
        self.tests = {name: self._bounded(name, tests[name]) for name in names.TESTS}
        self.globals.clear()
        self._functions = {
            "dict": Function("dict", dict),
            "namespace": Function("namespace", Namespace),
            "range": Function("range", self._range),
        }

    def begin(self, text: str = "") -> None:
        """Reset the counts of work, loop turns and output for one rendering. The count of the task continues."""
        steps = BOUNDS.expression_steps - budget.steps_left()
        budget.reset()
        if self._begun:
            self._work += BOUNDS.rendered_values - self._left + steps
            if self._work > BOUNDS.task_work:
                raise LimitExceeded(f"the templates of this task take more than {BOUNDS.task_work:,} steps in total")
        super().begin(text)
        self._begun, self._left = True, BOUNDS.rendered_values

    def resolve(self, context: Mapping[str, Any], name: str) -> Any:
        """The value of a name in the context of Airflow, or ``missing`` of Jinja."""
        if name in self._functions:
            return self._functions[name]
        value = self._lookup(context, name)
        if value is missing and name in names.WITHOUT_DATE:
            message = f"`{name}` is not defined, because this run has no logical date: use `run_date` or `ds`"
            return self.undefined(message, name=name)
        return value if value is missing or isinstance(value, (Handle, Function)) else self.measure(value)

    def measure(self, value: Any) -> Any:
        """The value itself. Raises ``NotAllowed`` if it is not data, and ``LimitExceeded`` if it is too large."""
        self._left = self._spend(value, self._left)
        return value

    def _spend(self, value: Any, left: int) -> int:
        left -= 1
        if isinstance(value, str):
            if len(value) > BOUNDS.rendered_bytes:
                raise LimitExceeded(f"a text in a template is longer than {BOUNDS.rendered_bytes:,} characters")
            left -= len(value) // CHARACTERS
        elif isinstance(value, int):
            if value.bit_length() > _BITS:
                raise LimitExceeded("a whole number in a template is too large")
        elif isinstance(value, (list, tuple, dict)):
            items: Any = value
            if isinstance(value, dict):
                left -= sum(len(key) for key in value if isinstance(key, str)) // CHARACTERS
                items = value.values()
            for item in items:
                left = self._spend(item, left)
        elif isinstance(value, range):
            left -= len(value)
        elif isinstance(value, datetime.timedelta) and hasattr(value, "__iter__"):
            left -= _DAY * abs(value.days)
        elif isinstance(value, Undefined):
            str(value)  # raises an error that names the missing value
        elif not isinstance(value, (*SCALARS, *DATES)) and not self._is_allowed(value):
            raise NotAllowed(f"a template cannot use {describe(value)} as a value")
        if left < 0:
            raise LimitExceeded(f"a template uses more than {BOUNDS.rendered_values:,} values")
        return left

    def _is_allowed(self, value: Any) -> bool:
        """Whether a value comes from a name that the environment allows in addition."""
        ours = (Handle, Function, Method, Namespace, LoopContext, *_INTERNAL)
        return bool(self._allow) and not isinstance(value, (*ours, *INTERPRETER))

    def _to_data(self, value: Any) -> Any:
        """The result of a filter or function as plain data, without iterators and markup."""
        if isinstance(value, (Undefined, Namespace)):
            return value
        if isinstance(value, str) and hasattr(value, "__html__"):
            value = str.__str__(value)
        elif isinstance(value, (Iterator, KeysView, ValuesView, ItemsView)):
            value = list(self._count_items(value))
        return self.measure(value)

    def _bounded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A filter or test with measured arguments and result. ``wraps`` keeps the attributes that Jinja reads."""
        measures = name not in _UNMEASURED

        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            if measures:
                for value in (*args, *kwargs.values()):
                    if not isinstance(value, _INTERNAL):
                        self.measure(value)
            return self._to_data(function(*args, **kwargs))

        return bounded

    def _written(self, value: Any) -> str:
        return self.counted_text(str(self.measure(value)))

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for (code, message, hint), _ in run_time_rules.check(source, self, self._allow):
            if code != "undefined-name":  # Jinja reports it when the name is used
                raise NotAllowed(f"{message}: {hint}" if hint else message)
        return super()._generate(source, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):  # a key named `items` is a key
            return self.getitem(obj, attribute)
        if attribute.startswith("__"):
            raise NotAllowed(f"a template cannot read `{attribute}`")
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Handle):
            if attribute not in obj.attributes:
                raise NotAllowed(f"`{obj.name}.{attribute}` is not available in a template")
            value = obj.read(attribute)
            return value if callable(value) or isinstance(value, Function) else self.measure(value)
        if isinstance(obj, Function):
            if attribute not in obj.below:
                raise NotAllowed(f"`{obj.name}.{attribute}` is not available in a template")
            return obj.below[attribute]
        if attribute in readable_attributes(obj) or self._allows_all_attributes(obj, attribute):
            value = getattr(obj, attribute, missing)
            if isinstance(value, INTERPRETER):
                raise NotAllowed(f"a template cannot read `{attribute}`")
            if value is not missing and (self._is_foreign(obj) or not callable(value)):
                return value if self._is_foreign(obj) else self._to_data(value)
        if attribute in methods(obj):
            return self.undefined(f"`{attribute}` is a method of {describe(obj)}: write `.{attribute}()`")
        return self.undefined(obj=obj, name=attribute)

    def _allows_all_attributes(self, obj: Any, attribute: str) -> bool:
        """Whether all attributes are allowed: for namespaces of the template, and for what the environment allows."""
        return not attribute.startswith("_") and (isinstance(obj, Namespace) or self._is_foreign(obj))

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and not isinstance(obj, (dict, list, tuple, str, Undefined)):
            return self.getattr(obj, argument)
        if isinstance(argument, str) and argument.startswith("__") and not isinstance(obj, dict):
            raise NotAllowed(f"a template cannot read `{argument}`")
        if isinstance(argument, str) and isinstance(obj, tuple) and argument in getattr(obj, "_fields", ()):
            return getattr(obj, argument)  # `grouper` and `list` of the filter `groupby`
        if self._is_foreign(obj):
            return obj[argument]
        return super().getitem(obj, argument)

    def _is_foreign(self, obj: Any) -> bool:
        plain = (*SCALARS, *DATES, list, tuple, dict, range, Undefined)
        return self._is_allowed(obj) and not isinstance(obj, plain)

    def _method(self, obj: Any, name: str) -> Any:
        """The method that `obj.name(...)` calls."""
        if isinstance(obj, (Handle, Function)):
            value = self.getattr(obj, name)
            if isinstance(value, Function):
                return value
            if not callable(value):
                raise NotAllowed(f"`{obj.name}.{name}` is a value, not a function")
            return Method(value)
        if self._is_foreign(obj):
            return Method(self.getattr(obj, name))
        found = getattr(obj, name, None) if name in methods(obj) else None
        if not callable(found):
            if name.startswith("_"):
                raise NotAllowed(f"a template cannot call `{name}`")
            self.measure(obj)
            hint = names.METHODS_INSTEAD.get(name, "")
            raise NotAllowed(f"a template cannot call `{name}` of {describe(obj)}" + (f": {hint}" if hint else ""))
        if isinstance(obj, (str, list, tuple)):
            self.measure(obj)  # a method searches the text or list; a method of a map finds a key
        if isinstance(obj, str):
            own = text.METHODS.get(name)
            found = functools.partial(own, obj) if own else text.sized(obj, found)
        elif isinstance(obj, DATES):
            found = text.dated(name, found)
        return Method(found)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(__obj, Undefined):
            str(__obj)  # raises an error that names the missing value
        if not isinstance(__obj, (Function, Method)):
            raise NotAllowed(f"a template cannot call {describe(__obj)}")
        for value in (*args, *kwargs.values()):
            __self.measure(value)
        kwargs = {name: value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")}
        return __self._to_data(__obj.function(*args, **kwargs))

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        self.measure(left)
        self.measure(right)
        if operator == "%" and isinstance(left, str):
            return text.formatted(left, **right) if isinstance(right, dict) else text.formatted(left, *_tuple(right))
        if operator == "*" and any(isinstance(one, datetime.timedelta) for one in (left, right)):
            return left * right
        return super().call_binop(context, operator, left, right)

    def _result(self, value: Any) -> Any:
        return self.measure(value)


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
