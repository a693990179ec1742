"""Mistakes in templates, as failures with one sentence."""

from __future__ import annotations

import re
from typing import Any

import jinja2

from dag_factory.build.worker.errors import BadTemplate, NoOutput

FAULTS = (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a mistake in a template raises. Other errors come from what the template reads."""

_LONGEST = 100
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%(?!\s*(?:end_)?escape_dollars|\s*(?:end)?filter).*?%\}", re.DOTALL)
_QUOTED = re.compile(r"'([^']+)'")


def describe(failure: BaseException) -> str:
    """The text of an error in a template. The message of one of Python's own errors needs the name of the class."""
    text = str(failure)
    is_sentence = text and isinstance(failure, (jinja2.TemplateError, NoOutput))
    return text if is_sentence else f"{type(failure).__name__}: {text}"


def bad_template(content: Any, failure: BaseException) -> BadTemplate:
    """The failure of a text of the YAML file, which names the expression that is probably wrong."""
    found = [" ".join(one.split()) for one in _EXPRESSION.findall(content)] if isinstance(content, str) else []
    names = _QUOTED.findall(str(failure))
    named = [one for one in found if any(name in one for name in names)]
    shown = (named or found)[0] if len(named or found) == 1 else ""
    what = f"`{shown}`" if shown and len(shown) <= _LONGEST else "a template of the job"
    return BadTemplate(f"{what} cannot be rendered: {describe(failure)}")
