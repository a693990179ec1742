"""YAML 1.2 as people write it: what is text, what is a number, and where the problems of a text stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dag_factory.config.positions import Position
from dag_factory.config.source import yaml_reader
from dag_factory.config.tree import MapNode, at, to_python
from dag_factory.settings import BOUNDS


def value(text: str) -> Any:
    node, problems = yaml_reader.read(f"a: {text}\n", "f.yaml")
    assert isinstance(node, MapNode)
    assert not problems
    return to_python(node)["a"]


def wrong(text: str) -> list[str]:
    return [f"{problem.code} {problem.line}:{problem.column}" for problem in yaml_reader.read(text, "f.yaml")[1]]


@pytest.mark.parametrize(
    "text", ["on", "yes", "NO", "y", "2026-01-31", "1_000", "12:30:45", "0b1", "1.0.0", ".inf", ".nan", "1e999"]
)
def test_is_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-5", -5),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("FALSE", False),
    ],
)
def test_is_a_number_or_a_boolean(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize("text", ["null", "~", "Null", "", "!!null ''"])
def test_is_null(text: str) -> None:
    assert value(text) is None


@pytest.mark.parametrize("text", ["'null'", '"true"', "'010'", "!!str 5"])
def test_quotes_and_tags_make_text(text: str) -> None:
    assert isinstance(value(text), str)


def test_keys_are_text_too() -> None:
    node, _ = yaml_reader.read("on: 1\n010: 2\n", "f.yaml")
    assert node is not None
    assert to_python(node) == {"on": 1, "010": 2}


def test_a_number_keeps_its_original_text() -> None:
    node, _ = yaml_reader.read("a: 1.10\n", "f.yaml")
    assert node is not None
    assert at(node, ("a",)).text == "1.10"  # type: ignore[union-attr]


def test_a_value_and_its_key_know_their_place() -> None:
    node, _ = yaml_reader.read("a:\n  b: [1, word]\n", "f.yaml")
    assert isinstance(node, MapNode)
    assert at(node, ("a", "b", 1)).position == Position("f.yaml", 2, 10)  # type: ignore[union-attr]
    assert node.entries["a"].keys["b"] == Position("f.yaml", 2, 3)  # type: ignore[union-attr]


def test_columns_count_characters_and_lines_any_line_end() -> None:
    assert wrong("é: {ü: 1, ü: 2}\r\n") == ["duplicate-key 1:11"]
    assert wrong("a: 1\r\nb: 2\r\na: 3\r\n") == ["duplicate-key 3:1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["duplicate-key 3:1"]),
        ("a: {b: 1, b: 2, b: 3}\n", ["duplicate-key 1:11", "duplicate-key 1:17"]),
        ("a: [1, 2\nb: 3\n", ["yaml-syntax 2:2"]),
        ("a:\n\tb: 1\n", ["yaml-syntax 2:1"]),
        ("a: b: c\n", ["yaml-syntax 1:5"]),
        ("a: 'b\n", ["yaml-syntax 1:6"]),
        ("a: @x\n", ["yaml-syntax 1:4"]),
        ("a: 1\n---\nb: 2\n", ["yaml-syntax 2:1"]),
        ("a: *nobody\n", ["yaml-syntax 1:4"]),
        ("a: !!binary aGk=\n", ["unknown-tag 1:4"]),
        ("a: !python/object:os.system x\n", ["unknown-tag 1:4"]),
        ("a: &a [*a]\n", ["alias-loop 1:4"]),
        ("[a]: 1\n", ["bad-key 1:1"]),
        ("a: &x {b: 1}\nc: {<<: *x}\n", ["merge-key 2:5"]),
        ("a: \x01\n", ["yaml-syntax 1:4"]),
        ('a: "\\ud800"\n', ["yaml-syntax 1:7"]),
    ],
)
def test_what_is_wrong_and_where(text: str, expected: list[str]) -> None:
    found = wrong(text)
    assert found == expected


@pytest.mark.parametrize(
    ("text", "code", "place", "quoted"),
    [
        ("é: {{ run_date }}\n", "unquoted-template", (1, 4), '"{{ run_date }}"'),
        ("a:\n  b: [é, {{ output('x') }}]\n", "unquoted-template", (2, 10), "\"{{ output('x') }}\""),
        ('a: {b: {{ output("x") }}}\n', "unquoted-template", (1, 8), "'{{ output(\"x\") }}'"),
        ("a: {{ run_date }}/x\n", "yaml-syntax", (1, 18), '"{{ run_date }}/x"'),
        ("a: {b: ${{ vars.c }}/x:1, d: e}\n", "yaml-syntax", (1, 9), '"${{ vars.c }}/x:1"'),
    ],
)
def test_a_template_without_quotes_is_shown_with_them(
    text: str, code: str, place: tuple[int, int], quoted: str
) -> None:
    _, (problem,) = yaml_reader.read(text, "f.yaml")
    assert (problem.code, (problem.line, problem.column)) == (code, place)
    assert problem.hint == f"put the whole value in quotes, as {quoted}"


def test_a_map_in_a_list_or_a_map_is_no_template() -> None:
    node, problems = yaml_reader.read("a: [{b: {c: 1}}]\nd: { e: {} }\n", "f.yaml")
    assert node is not None
    assert (to_python(node), problems) == ({"a": [{"b": {"c": 1}}], "d": {"e": {}}}, ())


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000 + "x",
        "? " * 50_000,
        "-\t" * 50_000 + "x",
        "? a\n: " + "- " * 50_000 + "x",
        "? a\n: " + "? " * 50_000 + "x",
        "- a\n- " + "- ? " * 50_000 + "x",
    ],
)
def test_what_is_nested_too_deep_is_refused_before_it_hurts(text: str) -> None:
    (problem,) = yaml_reader.read(text, "f.yaml")[1]
    assert problem.code in ("too-deep", "yaml-syntax")
    assert problem.line == text.count("\n") + 1


def test_nesting_is_allowed_up_to_the_bound() -> None:
    deepest = BOUNDS.nesting
    assert yaml_reader.read("[" * deepest + "]" * deepest, "f.yaml")[1] == ()
    assert wrong("[" * (deepest + 1) + "]" * (deepest + 1)) == [f"too-deep 1:{deepest + 1}"]


def test_aliases_that_grow_without_end_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (problem,) = yaml_reader.read("\n".join(lines), "f.yaml")[1]
    assert problem.code == "too-many-values"
    assert problem.line == 5


def test_an_alias_is_its_anchor() -> None:
    node, problems = yaml_reader.read("a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert node is not None
    assert (to_python(node), problems) == ({"a": {"b": 1}, "c": {"b": 1}}, ())


_YAMLISH = st.text(st.sampled_from("ab1 \n\t:-[]{},'\"|>&*!#?%@`~.é\u2028\ufeff\x00\x7f${}"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.one_of(_YAMLISH, st.text(max_size=40)))
def test_any_text_is_read_or_reported(text: str) -> None:
    node, problems = yaml_reader.read(text, "f.yaml")
    assert all(problem.line >= 1 and problem.column >= 1 and problem.hint for problem in problems)
    if node is not None:
        to_python(node)


def test_numbers_that_64_bits_do_not_hold_are_text() -> None:
    largest = 2**63 - 1
    assert [value(str(number)) for number in (largest, -largest)] == [largest, -largest]
    assert [value(text) for text in (str(2**63), str(-(2**63)), "0x" + "f" * 16)] == [
        "9223372036854775808",
        "-9223372036854775808",
        "0xffffffffffffffff",
    ]


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029"])
def test_unicode_line_separators_do_not_end_a_line(sign: str) -> None:
    text = f"a: 1 # note{sign}b: 2\nc: 'x{sign}y'\nd: |\n  x{sign}y\nc: 4\n"
    node, (problem,) = yaml_reader.read(text, "f.yaml")
    assert node is not None
    assert to_python(node) == {"a": 1, "c": f"x{sign}y", "d": f"x{sign}y\n"}
    assert (problem.code, problem.line, problem.column) == ("duplicate-key", 5, 1)


def test_surrogate_pairs_in_double_quotes_are_one_character() -> None:
    text = """a: "\\ud83d\\ude00 \\u00e9"
b: |
  echo "\\ud83d\\ude00"
c: '\\ud83d\\ude00'
"\\uD83D\\uDE00": 1
"""
    node, problems = yaml_reader.read(text, "f.yaml")
    assert node is not None
    assert (to_python(node), problems) == (
        {"a": "😀 é", "b": 'echo "\\ud83d\\ude00"\n', "c": "\\ud83d\\ude00", "😀": 1}, (),
    )  # fmt: skip


def test_positions_behind_a_surrogate_pair() -> None:
    assert wrong('b: {x: "\\ud83d\\ude00\\ud83d\\ude00", x: 1}\n') == ["duplicate-key 1:36"]
    assert wrong('a: ["\\ud83d\\ude00", "\\ud83d"]\n') == ["yaml-syntax 1:24"]
    assert wrong('a: "\\\\ud83d\\ude00"\n') == ["yaml-syntax 1:14"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: !!set {x}", "1:4"),
        ("a: !include {file: x}", "1:4"),
        ("a: !!python/tuple [1]", "1:4"),
        ("a: {b: !!omap []}", "1:8"),
        ("!!binary a: 1", "1:1"),
        ("!mine\na: 1", "1:1"),
    ],
)
def test_a_tag_on_a_collection_or_a_key_is_unknown(text: str, place: str) -> None:
    assert f"unknown-tag {place}" in wrong(text)


def test_the_standard_tags_are_read() -> None:
    node, problems = yaml_reader.read("a: !!map {b: !!seq []}\n!!str c: !!str 5\n", "f.yaml")
    assert node is not None
    assert (to_python(node), problems) == ({"a": {"b": []}, "c": "5"}, ())


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        (
            "jobs:\n  a:\n    x: 1\n   b:\n",
            (4, 4),
            "put exactly 2 spaces before it, as on line 2, or put exactly 4 spaces before it, as on line 3",
        ),
        ("jobs:\n  a:\n    x: 1\n     y: 2\n", (4, 6), "put exactly 4 spaces before it, as on line 3"),
        ("version: 1\n jobs: {}\n", (2, 2), "remove the spaces before it, as on line 1"),
        (" version: 1\njobs: {}\n", (2, 1), "put exactly 1 space before it, as on line 1"),
        (
            "a:\n  b:\n    - x\n   - y\n",
            (4, 4),
            "put exactly 2 spaces before it, as on line 2, or put exactly 4 spaces before it, as on line 3",
        ),
    ],
)
def test_a_wrong_indentation_is_reported_at_its_line(text: str, place: tuple[int, int], hint: str) -> None:
    _, (problem,) = yaml_reader.read(text, "f.yaml")
    assert (problem.line, problem.column) == place
    assert problem.hint == hint


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        (
            "a: * 3\n",
            (1, 4),
            "a value that begins with `*` must have quotes",
            'put the whole value in quotes, as "* 3"',
        ),
        ("a: @x\n", (1, 4), "a value that begins with `@` must have quotes", 'put the whole value in quotes, as "@x"'),
        ("a:\n\tb: 1\n", (2, 1), "this line is indented with a tab", "indent with spaces; YAML does not allow tabs"),
        ('a: "x\nb: 1\n', (2, 5), "the quote that begins on line 1 is not closed", "close the quote"),
        ("a: {b: 1\nc: 2\n", (2, 2), "the `{` on line 1 is not closed", "add `}` or `,`"),
        ("a: [b\nc: 2\n", (2, 2), "the `[` on line 1 is not closed", "add `]` or `,`"),
        ("a: [b, , c]\n", (1, 8), "an item is missing here", "remove the extra comma"),
        ("x: 1\na: 'it's'\n", (2, 8), "there is text after the closing quote", "put quotes around the whole value"),
        ("a:1\nb: 2\n", (2, 1), "line 1 has no space after `:`", "write a space after the `:` of the key on line 1"),
        ("a:\n  b\n    c: 1\n", (3, 5), "line 2 has no `:` after its key", "write `:` after the key on line 2"),
        ("a:\n  x y\n  z w: 1\n", (3, 3), "a text of several lines contains `: `", "write `|` after the key"),
        ("a: |\nx y\nb: 1\n", (2, 1), "this line has no `:` after its key", "write `key: value`"),
        ("a: “x: y”\n", (1, 6), "mapping values are not allowed", "use straight quotes"),
    ],
)
def test_a_common_syntax_error_is_explained(text: str, place: tuple[int, int], message: str, hint: str) -> None:
    _, (problem,) = yaml_reader.read(text, "f.yaml")
    assert (problem.line, problem.column) == place
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)
