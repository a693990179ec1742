"""Pass values to a program as arguments, so that text from ``{{ }}`` stays inside its value.

``as_argument``   text that reaches the program as it is written
``as_json``       JSON in which the output of ``{{ }}`` stays inside its string

Airflow renders ``{{ }}``, and then Kubernetes expands ``$(NAME)`` and ``$$``. Both are escaped, in written and in
rendered text. A text that is only ``{{ … | tojson }}`` becomes a JSON value instead of a JSON string.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from dag_factory.config.expressions.dollar_signs import ESCAPE_FILTER, close_brace, escape_all, has_template

COMMENT_MARKS = ("{{#", "#}}")
"""Comment marks instead of the ``{#`` of Jinja, which occurs in ``${#array[@]}`` of a shell."""

_JINJA = jinja2.Environment(
    comment_start_string=COMMENT_MARKS[0], comment_end_string=COMMENT_MARKS[1], extensions=["jinja2.ext.do"]
)


def as_argument(value: Any) -> str:
    """A text for ``command``, ``args`` or ``env`` that the program gets as it is written. Other values become JSON."""
    if not isinstance(value, str):
        return as_json(value)
    if has_template(value):
        _parse(value)
    return escape_all(value)


def as_json(value: Any) -> str:
    """A value as JSON for ``command``, ``args`` or ``env``.

    Raises ``jinja2.TemplateRuntimeError`` if a key contains ``{{ }}``, or if a template has a syntax error.
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(as_json(item) for item in value) + "]"
    if not isinstance(value, str) or not has_template(value):
        return _escape(json.dumps(value, ensure_ascii=False))
    if _is_tojson(value):
        return escape_all(value.strip())
    return f"{{% filter tojson | {ESCAPE_FILTER} %}}{close_brace(value)}{{% endfilter %}}"


def _key(key: str) -> str:
    if has_template(key):
        raise jinja2.TemplateRuntimeError(f"the key `{key}` contains `{{{{ }}}}`, which works only in values")
    return _escape(json.dumps(key, ensure_ascii=False))


def _escape(text: str) -> str:
    return text.replace("$", "$$")


def _is_tojson(text: str) -> bool:
    """Whether a text is a single expression that ends in ``| tojson``."""
    body = _parse(text.strip()).body
    output = body[0] if len(body) == 1 else None
    inner = output.nodes if isinstance(output, nodes.Output) else []
    return len(inner) == 1 and isinstance(inner[0], nodes.Filter) and inner[0].name == "tojson"


@lru_cache(1024)
def _parse(text: str) -> nodes.Template:
    """Parse a text by itself. An incomplete text could end the filter block around it."""
    try:
        return _JINJA.parse(text)
    except (jinja2.TemplateSyntaxError, RecursionError) as failure:
        raise jinja2.TemplateRuntimeError(f"`{text[:60]}` is not valid Jinja: {failure}") from failure
