"""``${{ }}``: expressions that are computed when a file is read.

A text that is a single expression keeps the type of its value. Any other text is rendered to text.
"""

from __future__ import annotations

import itertools
import re
import traceback
from collections.abc import Callable
from collections.abc import Mapping as MappingT
from functools import lru_cache
from typing import Any, TypeVar

import jinja2
from jinja2.exceptions import SecurityError

from dag_factory.config import budget
from dag_factory.config.expressions import run_time_names
from dag_factory.config.expressions.data import LimitExceeded, count_values, to_data, to_text
from dag_factory.config.expressions.sandbox import Sandbox
from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import nearest
from dag_factory.config.tree import Node, Scalar, from_python, transform
from dag_factory.settings import BOUNDS

Context = MappingT[str, Any]
T = TypeVar("T")

_SANDBOX = Sandbox()
_COMPILED = budget.REMEMBERED + 96
_SINGLE = re.compile(r"\s*\$\{\{(?!#)[-+]?((?:(?!\$\{\{).)*?)-?\}\}\s*", re.DOTALL)
_NAMES = re.compile(r"\$\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\}\}", re.ASCII)
_OUTPUT = re.compile(r"(?<![\w.])output\(\s*['\"][\w-]+['\"]\s*\)(\.\w+)*")
_UNDEFINED = re.compile(r"'(?:[\w.]+ object'|dict object'|str object') has no attribute '(\w+)|'(\w+)' is undefined")


def evaluate(node: Node, context: Context, path: KeyPath = ()) -> tuple[Node, tuple[Problem, ...]]:
    """The tree with all expressions computed, and the problems.

    A value whose expression fails stays as it is written, so that its position is kept.
    """
    if not node.dynamic:
        return node, ()
    problems: list[Problem] = []

    def compute(where: KeyPath, value: Scalar) -> Node:
        if len(problems) > BOUNDS.problems_per_file:  # more problems are not reported, and each is slow
            return value
        try:
            return _node(render(value.text, context), value)
        except jinja2.TemplateError as failure:
            problems.append(_problem(failure, value, where, context))
            return value

    return transform(node, compute, path), tuple(problems)


def render(text: str, context: Context) -> Any:
    """The value of one text. A single expression keeps its type; any other text gives text.

    Raises ``jinja2.TemplateError`` for every error in the text.
    """
    if len(text) > BOUNDS.expression_bytes:
        raise jinja2.TemplateRuntimeError(f"a text with expressions has at most {BOUNDS.expression_bytes:,} characters")

    def compute() -> Any:
        simple = _plain_value(text, context)
        if simple is not None:
            return _within_budget(simple)
        _SANDBOX.begin(text)
        expression = _expression(text)
        return _within_budget(to_data(expression(**context)) if expression else _template(text).render(context))

    return as_template_errors(compute)


def _within_budget(value: Any) -> Any:
    """The value itself. Raises ``LimitExceeded`` if the file then has too many values."""
    if not budget.spend(count_values(value)):
        raise LimitExceeded(f"the expressions of this file produce more than {BOUNDS.merged_values:,} values")
    return value


def as_template_errors(compute: Callable[[], T]) -> T:
    """The result of ``compute``. Raises ``jinja2.TemplateError`` for every error in an expression."""
    try:
        return compute()
    except jinja2.TemplateError:
        raise
    except Exception as failure:  # Jinja generates Python, and it may be invalid: `${{ 'nan' | float }}`
        raise jinja2.TemplateRuntimeError(str(failure) or type(failure).__name__) from failure


def _plain_value(text: str, context: Context) -> Any:
    """The value of a text whose expressions are only names, or None if Jinja must compute it.

    Most expressions are only names, and to compile a text with Jinja takes longer than all else that a job needs.
    """
    literals, paths = _split(text)
    try:
        found = [_lookup(path, context) for path in paths]
    except LookupError:
        return None
    if len(found) == 1 and not "".join(literals).strip():
        return to_data(found[0])
    result = "".join(itertools.chain.from_iterable(zip(literals, map(to_text, [*found, ""]), strict=True)))
    return result if found and len(result) <= BOUNDS.expression_bytes else None


@lru_cache(4096)
def _split(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The literal parts of a text, and the names between them.

    There are no names if the text has other expressions, or if Jinja would change a literal part.
    """
    parts = _NAMES.split(text)
    literals = parts[::2]
    if any(sign in literal for literal in literals for sign in ("${{", "${%", "\r")):
        return ("",), ()
    return tuple(literals), tuple(tuple(name.split(".")) for name in parts[1::2])


def _lookup(path: tuple[str, ...], context: Context) -> Any:
    """The value at a path. Raises ``LookupError`` if there is none."""
    value: Any = context
    for step in path:
        if not isinstance(value, dict):
            raise LookupError(step)
        value = value[step]
    return value


def _node(result: Any, value: Scalar) -> Node:
    if value.block and isinstance(result, str):  # line numbers in it still count from the first line of the block
        return Scalar(result, result, value.position, block=True)
    return from_python(result, value.position)


@lru_cache(_COMPILED)
def _expression(text: str) -> Any:
    """The compiled expression if the text is a single one, otherwise None."""
    single = _SINGLE.fullmatch(text)
    if not single:
        return None
    try:
        return _SANDBOX.compile_expression(single[1].strip(), undefined_to_none=False)
    except jinja2.TemplateSyntaxError:
        return None  # several expressions or a syntax error; the template reports the error with its line


@lru_cache(_COMPILED)
def _template(source: str) -> jinja2.Template:
    return _SANDBOX.from_string(source)


def _problem(failure: jinja2.TemplateError, value: Scalar, path: KeyPath, context: Context) -> Problem:
    return Problem.at(value.line(error_line(failure)), path, *describe_error(failure, context, value.text))


def _run_time_hint(text: str) -> str:
    return f"write `{{{{ {text} }}}}` without the dollar sign; it is known when the job runs"


def describe_error(failure: jinja2.TemplateError, context: Context, text: str = "") -> tuple[Code, str, str]:
    """The code, message and hint of an error; ``text`` is the text that failed."""
    message = failure.message or "the expression failed"
    if isinstance(failure, jinja2.UndefinedError):
        return "undefined-name", *_undefined(message, context, text)
    if isinstance(failure, SecurityError) and (call := _OUTPUT.search(text)):
        return "bad-expression", "`output` is not known when the file is read", _run_time_hint(call[0])
    return "bad-expression", message.rstrip("."), "correct the text between `${{` and `}}`, which is a Jinja expression"


def error_line(failure: jinja2.TemplateError) -> int:
    """The line of the error in the text, counted from 1."""
    if isinstance(failure, jinja2.TemplateSyntaxError):
        return failure.lineno
    frames = traceback.extract_tb(failure.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
    return lines[-1] or 1 if lines else 1


def _undefined(message: str, context: Context, text: str) -> tuple[str, str]:
    match = _UNDEFINED.search(message)
    name = (match[1] or match[2]) if match else ""
    known = sorted({*context, *(str(key) for value in context.values() if isinstance(value, dict) for key in value)})
    if not name:
        return message, f"use one of: {', '.join(sorted(context))}"
    if match and match[2] and name in run_time_names.known() - {"dict", "range", "namespace"}:
        path = re.search(rf"(?<![\w.]){name}(\.\w+)*", text)
        return f"`{name}` is not known when the file is read", _run_time_hint(path[0] if path else name)
    parents = [key for key, value in context.items() if isinstance(value, dict)] if match and match[1] else []
    if name == "secrets":
        return f"`{name}` is not defined", run_time_names.SECRET_HINT
    close = nearest(name, known)
    if close:
        return f"`{name}` is not defined", f"did you mean `{close}`?"
    if parents:
        listed = ", ".join(f"{key}.{entry}" for key in sorted(parents) for entry in sorted(context[key]))
        return f"`{name}` is not defined", f"use one of: {listed}"
    return f"`{name}` is not defined", f"use one of: {', '.join(sorted(context))}"
