"""Any value in the text of a template stays a value, in every context."""

from __future__ import annotations

import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dag_factory.config.source.yaml_reader import read
from dag_factory.config.templates.template import sandbox
from dag_factory.config.templates.yaml_quoting import strip_line_numbers
from dag_factory.config.tree import to_python

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NASTY = st.sampled_from(
    [
        "\nkey: 1",
        "x: y",
        "# no",
        "'",
        '"',
        "\\",
        "a\r\nb: 2",
        "\u2028c: 3",
        "- a",
        "{a: b}",
        "*x",
        "&x y",
        "!t",
        "%Y",
        "}}",
        "---",
    ]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=6,
)


def rendered(template: str, **values: object) -> str:
    sandbox().begin("")
    return strip_line_numbers(sandbox().from_string(template).render(values))[0]


def tree(text: str) -> object:
    node, problems = read(text, "t")
    assert node is not None and not problems, (text, problems)
    return to_python(node)


@given(VALUE)
def test_a_value_outside_quotes_keeps_type_and_text(value: object) -> None:
    text = rendered(
        "a: ${{ x }}\nb: [${{ x }}, ${{ x }}]\nc: {k: ${{ x }}}\n- ${{ x }}\n".replace("- ", "d: "), x=value
    )
    assert tree(text) == {"a": value, "b": [value, value], "c": {"k": value}, "d": value}


@given(TEXT | NASTY)
def test_a_text_in_double_quotes_stays_inside_them(value: str) -> None:
    assert tree(rendered('a: "<${{ x }}>"\nb: 1\n', x=value)) == {"a": f"<{value}>", "b": 1}


@given(TEXT | NASTY)
def test_a_text_in_single_quotes_stays_inside_them_or_is_rejected(value: str) -> None:
    try:
        text = rendered("a: '<${{ x }}>'\nb: 1\n", x=value)
    except jinja2.TemplateRuntimeError:
        return
    assert tree(text) == {"a": f"<{value}>", "b": 1}


@given(TEXT | NASTY)
def test_a_text_in_a_block_stays_in_the_block_or_is_rejected(value: str) -> None:
    try:
        text = rendered("a:\n  - script: |\n      run ${{ x }}\n      end\n    b: 1\n", x=value)
    except jinja2.TemplateRuntimeError:
        return
    found = tree(text)
    assert isinstance(found, dict) and list(found) == ["a"] and list(found["a"][0]) == ["script", "b"]
    assert found["a"][0]["script"].startswith("run ") and found["a"][0]["script"].endswith("\nend\n")


@given(TEXT | NASTY)
def test_inside_a_plain_word_only_words_are_allowed(value: str) -> None:
    try:
        text = rendered("load-${{ x }}: 1\nimage: a/${{ x }}:tag\n", x=value)
    except jinja2.TemplateRuntimeError as refused:
        assert "quotes" in str(refused)
        return
    assert tree(text) == {f"load-{value}": 1, "image": f"a/{value}:tag"}


def test_quotes_inside_a_word_are_not_quotes() -> None:
    assert tree(rendered("a: it's ${{ x }}\nb: ${{ y }}\n", x="fine", y="it's")) == {"a": "it's fine", "b": "it's"}


def test_a_comment_does_not_hide_what_follows() -> None:
    assert tree(rendered("# don't ${{ x }}\na: ${{ x }}\n", x="b: c")) == {"a": "b: c"}


@pytest.mark.parametrize("header", ["|", "|-", ">", "|2", "| # note"])
def test_the_end_of_a_block_is_found(header: str) -> None:
    text = rendered(f"s: {header}\n  a ${{{{ x }}}}\nb: ${{{{ x }}}}\n", x="1 2")
    assert yaml.safe_load(text)["b"] == "1 2"


def test_rendered_lines_have_the_line_of_the_template() -> None:
    template = "a: 1\n${% for x in xs %}\n${{ x }}:\n  b: ${{ x }}\n${% endfor %}\nend: 1\n"
    sandbox().begin("")
    text, lines = strip_line_numbers(sandbox().from_string(template).render(xs=["p", "q"]))
    lines_of_template = {line.strip(): lines[index] for index, line in enumerate(text.split("\n")) if line.strip()}
    assert lines_of_template == {"a: 1": 1, '"p":': 3, 'b: "p"': 4, '"q":': 3, 'b: "q"': 4, "end: 1": 6}
