"""A new entry of a table is the smallest edit of its file: every other byte stays."""

from __future__ import annotations

import re

import pytest

from dag_factory.edits.operations import Refused
from dag_factory.scaffold.additions.insert import insert_entry

VALUE = {"cpu": 4, "memory": "16Gi"}
LINE = "new: {cpu: 4, memory: 16Gi}"


@pytest.mark.parametrize(
    "text",  # what is between « and » is inserted
    [
        "version: 1\n«flavors:\n  NEW\n»",
        "version: 1\nflavors:\n«  NEW\n»",
        "flavors:  # none yet\n«  NEW\n»# end\nversion: 1\n",
        "flavors: {a: {cpu: 1}«, NEW»}  # x",
        "flavors: {\n  a: {cpu: 1},\n«  NEW,\n»}\n",
        "flavors:\n  a: {cpu: 1}  # small\n«  NEW\n»pools: {}\n",
        "flavors:\n  a: {cpu: 1}«\n  NEW»",
        "flavors:\n    a:\n        cpu: 1\n«    NEW\n»\n# pools\npools: {}\n",
        "flavors:\n  a:\n    t: |\n      text\n«  NEW\n»\n# x\nz: 1\n",
        "flavors:\n  a: 'x\n    y'\n«  NEW\n»z: 1\n",
        "flavors:\n  a:\n  - x: 1\n    y: 2  # y\n«  NEW\n»\nz: 1\n",
        "flavors:\n  a: &x {cpu: 1}\n  b: *x\n«  NEW\n»",
        "flavors:\n  a:\n  b:\n«  NEW\n»",
        "a: {flavors: {}}\nflavors:\n  a: {flavors: 1}\n«  NEW\n»",
        "flavors:\r\n  a: {cpu: 1}\r\n«  NEW\r\n»version: 1\r\n",
        "\ufeffflavors:\n  a: {cpu: 1}\n«  NEW\n»",
    ],
)
def test_the_entry_is_at_the_end_of_the_table(text: str) -> None:
    before = re.sub("«.*»", "", text, flags=re.DOTALL)
    after = re.sub("[«»]", "", text).replace("NEW", LINE)
    assert insert_entry(before, "flavors", "new", VALUE) == after


def test_a_block_has_a_line_for_each_key() -> None:
    before = "teams:\n    a: {}\n"
    assert insert_entry(before, "teams", "b/c", VALUE, block=True) == (
        "teams:\n    a: {}\n    b/c:\n      cpu: 4\n      memory: 16Gi\n"
    )


def test_a_name_that_yaml_reads_as_a_number_has_quotes() -> None:
    assert insert_entry("flavors: {a: {}}\n", "flavors", "1", VALUE) == (
        'flavors: {a: {}, "1": {cpu: 4, memory: 16Gi}}\n'
    )


@pytest.mark.parametrize("text", ["flavors: [a]\n", "flavors: x\n", "flavors: {\n", "- a\n"])
def test_a_file_of_another_form_is_not_changed(text: str) -> None:
    with pytest.raises(Refused):
        insert_entry(text, "flavors", "new", VALUE)
