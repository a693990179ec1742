"""``as_argument`` and ``as_json``: a program gets the intended value, whatever ``{{ }}`` inserts."""

from __future__ import annotations

import json
import re
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from dag_factory.config.expressions.escaping import COMMENT_MARKS, as_argument, as_json

AIRFLOW = SandboxedEnvironment(
    comment_start_string=COMMENT_MARKS[0],
    comment_end_string=COMMENT_MARKS[1],
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)
# Jinja changes line ends to \n, and NUL is rejected earlier.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=20)
NASTY = st.sampled_from(
    ["$(HOME)", "$$", "$$(HOME)", '"', "\\", "'", "{#", "#}", "}}", "%}", "\n", "</script>", "\u2028"]
)
LATER = st.sampled_from(
    [
        "{{ x }}",
        "<{{ x }}>",
        "{% if x %}{{ x }}{% endif %}",
        "{{ x | tojson }}",
        "{{# note #}}",
        "{{ x }}{{ x }}",
        "a\n{{ x }}\n",
    ]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT | NASTY | LATER,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | NASTY, inner, max_size=3),
    max_leaves=6,
)


def arrives(text: str, x: Any) -> str:
    """The text that a program gets after Airflow renders and Kubernetes expands it."""
    rendered = AIRFLOW.from_string(text).render(x=x)
    return re.sub(r"\$\$|\$\((\w+)\)", lambda match: "$" if match[0] == "$$" else "EXPANDED", rendered)


def meant(value: Any, x: Any) -> Any:
    if isinstance(value, dict):
        return {key: meant(item, x) for key, item in value.items()}
    if isinstance(value, list):
        return [meant(item, x) for item in value]
    if value == "{{ x | tojson }}":
        return x
    marked = isinstance(value, str) and ("{{" in value or "{%" in value)
    return AIRFLOW.from_string(value).render(x=x) if marked else value


@given(VALUE.filter(lambda value: "{{" not in json.dumps(value) or "{{" in str(value)), TEXT | NASTY)
def test_a_program_gets_the_intended_json_value(value: Any, x: str) -> None:
    try:
        text = as_json(value)
    except jinja2.TemplateRuntimeError:  # a random text that looks like a template
        return
    assert json.loads(arrives(text, x)) == meant(value, x)


@given(TEXT | NASTY | LATER.filter(lambda text: "tojson" not in text), TEXT | NASTY)
def test_a_program_gets_a_text_as_it_is_written(value: str, x: str) -> None:
    try:
        text = as_argument(value)
    except jinja2.TemplateRuntimeError:
        return
    assert arrives(text, x) == meant(value, x)


def test_an_expression_with_tojson_keeps_the_type_of_its_value() -> None:
    text = as_json({"rows": " {{ x | tojson }} ", "said": "<{{ x | tojson }}>", "other": "{{ 'a' ~ x | tojson }}"})
    assert json.loads(arrives(text, [1, "$$"])) == {"rows": [1, "$$"], "said": '<[1, "$$"]>', "other": 'a[1, "$$"]'}


@pytest.mark.parametrize(
    "text", ["{{ x", "{% if x %}", "{% endfilter %}{{ x }}{% filter upper %}", "{% raw %}{{", "{{# {{ x }}"]
)
def test_an_incomplete_template_is_rejected(text: str) -> None:
    for write in (as_argument, as_json):
        with pytest.raises(jinja2.TemplateRuntimeError, match="not valid Jinja"):
            write(text)


def test_a_key_with_a_template_is_rejected() -> None:
    with pytest.raises(jinja2.TemplateRuntimeError, match="works only in values"):
        as_json({"{{ x }}": 1})
