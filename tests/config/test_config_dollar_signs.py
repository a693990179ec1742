"""Text from ``{{ }}`` reaches the program unchanged, and only the author's own ``$(NAME)`` is expanded."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from dag_factory.config.expressions.dollar_signs import EscapeDollars, escape_all, escape_rendered
from dag_factory.config.expressions.escaping import COMMENT_MARKS, as_argument, as_json

AIRFLOW = SandboxedEnvironment(
    comment_start_string=COMMENT_MARKS[0],
    comment_end_string=COMMENT_MARKS[1],
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
    extensions=["jinja2.ext.do", EscapeDollars],
)
SECRET = {"DB_PASSWORD": "SECRET", "HOME": "/root"}
PIECES = ["$", "$$", "(", ")", "DB_PASSWORD", "$(DB_PASSWORD)", "$(HOME)", "é", "{", "}", "'", '"', "\n", " "]
BROUGHT = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


def expanded(text: str) -> str:
    """Expand a text as ``expansion.Expand`` of Kubernetes does."""
    result, position = "", 0
    while position < len(text):
        char, following = text[position], text[position + 1 : position + 2]
        if char != "$" or not following:
            result, position = result + char, position + 1
        elif following == "$":
            result, position = result + "$", position + 2
        elif following == "(" and (end := text.find(")", position)) >= 0:
            name = text[position + 2 : end]
            result, position = result + SECRET.get(name, f"$({name})"), end + 1
        else:
            result, position = result + char + following, position + 2
    return result


def arrives(text: str, x: object) -> str:
    """The text that a program gets after Airflow renders and Kubernetes expands it."""
    return expanded(AIRFLOW.from_string(escape_rendered(text)).render(x=x))


@given(BROUGHT)
def test_a_value_reaches_the_program_unchanged(x: str) -> None:
    assert arrives("{{ x }}", x) == x


@given(BROUGHT, st.sampled_from(["--title={{ x }}", "{{ x }}{{ x }}", "{% if x %}{{ x }}{% endif %}"]), BROUGHT)
def test_a_value_cannot_read_a_secret(x: str, template: str, beside: str) -> None:
    """This holds for every text around it in which the author does not name the variable."""
    beside = beside.replace("DB_PASSWORD", "A").replace("{", "").replace("}", "")
    before = "" if beside.endswith("$") else beside  # `${{` is computed when the file is read
    for text in (before + template, template + beside, before + template + beside):
        assert "SECRET" not in arrives(text, x)


@pytest.mark.parametrize(
    ("text", "x", "result"),
    [
        ("$(HOME)/{{ x }}", "$(HOME)", "/root/$(HOME)"),
        ("cost $$5 {{ x }}", "$$5", "cost $5 $$5"),
        ("$({{ x }})", "DB_PASSWORD", "$(DB_PASSWORD)"),  # a value cannot choose the variable
        ("$(DB_{{ x }})", "PASSWORD", "$(DB_PASSWORD)"),
        ("$ {{- x }}", "(DB_PASSWORD)", "$(DB_PASSWORD)"),
        ("$$$ {{- x }}", "(DB_PASSWORD)", "$$(DB_PASSWORD)"),
        ("{% raw %}$(HOME){{{% endraw %}{{ x }}", "$", "/root{{$"),
        ("{{ x }}{", "$$", "$${"),
        ("{% if x %}$(HOME){% elif 1 %}{{ x }}{% else %}{{ x }}{% endif %}", "1", "/root"),
        ("{% for one in x %}{{ one }},{% else %}$(HOME){% endfor %}", ["$$", "$(A)"], "$$,$(A),"),
        ("{% for one in x recursive %}{{ one }}{% endfor %}", ["$$", "$(A)"], "$$$(A)"),
        ("{% set y %}{{ x }}{% endset %}{{ y }}", "$$", "$$"),
        ("{% set y = x %}{{ y }}{{ y }}", "$$", "$$$$"),
        ("{% with y = x %}{{ y }}{% endwith %}", "$(HOME)", "$(HOME)"),
        ("{% filter upper %}{{ x }}{% endfilter %}", "$(home)", "$(HOME)"),
        ("{% filter replace('$', '$$') %}{{ x }}{% endfilter %}", "$(HOME)", "$(HOME)"),
        ("{{ x | replace('$', '$$') }}", "$(HOME)", "$(HOME)"),
        ("{{ x | replace('$', '$$') | upper }}", "$a", "$$A"),
        ("{% macro m(y) %}<{{ y }}>{% endmacro %}{{ m(x) }}", "$(HOME)", "<$(HOME)>"),
        ("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x }}{% endcall %}", "$(HOME)", "$(HOME)"),
        ("{{ x ~ x }}", "$", "$$"),
        ("{{ x | tojson }}", ["$(HOME)"], '["$(HOME)"]'),
        ("{% do x.append('$$') %}{{ x[0] }}", [], "$$"),
        ("a\n{{ x }}\n\n", "$(HOME)", "a\n$(HOME)\n\n"),
        ("  {%- if x %} {{ x }} {% endif -%}  ", "$$", " $$ "),
    ],
)
def test_every_form_of_expression(text: str, x: object, result: str) -> None:
    assert arrives(text, x) == result


@given(BROUGHT, BROUGHT)
def test_escaped_text_is_not_escaped_again(x: str, beside: str) -> None:
    beside = beside.replace("{", "").replace("}", "")
    written = beside if beside.endswith("$") else beside + "{{ x }}"
    meant = AIRFLOW.from_string(written).render(x=x)
    assert arrives(as_argument(written), x) == meant
    assert arrives(escape_all(written), x) == meant
    assert arrives(as_json(["{{ x | tojson }}", "a$$"]), [x]).startswith("[[")


@pytest.mark.parametrize("text", ["", "plain", "$(HOME)", "$$", "{", "}}", "{x}"])
def test_text_without_templates_gets_no_tag(text: str) -> None:
    assert escape_rendered(text) == text


def test_a_text_cannot_end_the_tag() -> None:
    """The compiler parses each text by itself, and the tag is unknown there."""
    from written import problems

    text = "{% end_escape_dollars %}{{ ds }}{% escape_dollars %}"
    assert problems(f'jobs: {{a: {{args: ["{text}"]}}}}') == ["bad-template 1:19 jobs.a.args[0]"]


def test_an_undefined_name_is_still_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="y"):
        arrives("{{ y }}", "")
