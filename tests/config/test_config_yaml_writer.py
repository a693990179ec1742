"""The resolved configuration as YAML: read again, it is the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from written import built

from dag_factory.config.positions import Position
from dag_factory.config.source import yaml_reader
from dag_factory.config.source.yaml_writer import to_yaml
from dag_factory.config.tree import from_python, to_python

_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.text(st.sampled_from(" \n\t:#-'\"|>&*!%@`,[]{}?a1.~\\\x85\u2028\ufeff\x7f😀"), max_size=12),
    st.sampled_from(
        ["null", "true", "010", "1.0", "0x1F", "on", "~", "", "- a", "a: b", "a #b", "---", "...", "=", "<<"]
    ),
)
_KEYS = _TEXT.filter(lambda key: key != "<<")
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(1 - 2**63, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        _TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_reading_it_again_gives_the_same(value: dict[str, Any]) -> None:
    text = to_yaml(from_python(value, Position("f")))
    node, problems = yaml_reader.read(text, "f")
    assert problems == (), text
    assert node is not None
    assert to_python(node) == value


def test_numbers_stay_as_they_were_written() -> None:
    text = built("jobs: {a: {env: {A: 1.10, B: 010, C: '010', D: NO}, script: \"a\\nb\"}}").resolved
    assert text == (
        "jobs:\n"
        "  a:\n"
        "    docker_image: image\n"
        "    resource_flavor: small\n"
        "    env: {A: 1.10, B: 010, C: \"010\", D: NO}\n"
        "    script: |-\n"
        "      a\n"
        "      b\n"
    )  # fmt: skip


def test_it_holds_what_all_layers_say_and_no_environment_of_others() -> None:
    found = built(
        "schedule: '@daily'\njobs: {a: {retries: 2}}\nenvironments: {dev: {schedule: null, jobs: {a: {timeout: 1h}}}}\n"
    )
    assert found.resolved == (
        "schedule: null\njobs:\n  a: {docker_image: image, resource_flavor: small, retries: 2, timeout: 1h}\n"
    )
