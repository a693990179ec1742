"""The guide's table of what pipelines cannot do: each line is tried, under its rule and without it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from tabled import PIPELINE, PLAIN, Project

GUIDE = Path(__file__).parents[2] / "docs" / "guide-platform.md"
_ROW = re.compile(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \|$", re.MULTILINE)
_OF_PIPELINE = ("max_active_", "schedule:", "description:")
CODES = {"pod-security", "not-allowed", "hidden-reference", "over-limit"}


class Row(NamedTuple):
    """What cannot be done, the rule that forbids it, and the keys that try it."""

    what: str
    rule: str
    tried: str


def rows() -> list[Row]:
    """The table's lines."""
    text = GUIDE.read_text("utf-8")
    section = text[text.index("### Limits of pods and pipelines") : text.index("### What only the cluster can enforce")]
    return [Row(*match.groups()) for match in _ROW.finditer(section)]


def test_every_line_of_the_table_is_read() -> None:
    text = GUIDE.read_text("utf-8")
    section = text[text.index("| A pipeline cannot |") : text.index("- `pod_security: restricted` also")]
    assert len(rows()) == len(section.strip().splitlines()) - 2
    rules = {row.rule.split(":")[0] for row in rows()}
    schema = (GUIDE.parents[1] / "schemas" / "teams.schema.json").read_text("utf-8")
    lists = re.findall(
        r'"(\w+)": \{\s+"description": "[^"]*(?:\\"[^"]*)*",\s+"\$ref": "[\w.]*#/\$defs/allow_list"', schema
    )
    assert len(lists) == 15
    assert {*lists, "pod_security", "limits"} <= rules


def tried(row: Row, environment: str, team: str) -> Project:
    """The line's pipeline, with rules set by the environment and by the team."""
    flow = f"{PIPELINE}jobs: {{a: {{{row.tried}}}}}\n"
    if row.tried.startswith(_OF_PIPELINE):
        parts = row.tried.split(", jobs: ")
        flow = f"{PIPELINE}{parts[0]}\n" + (f"jobs: {parts[1]}\n" if len(parts) > 1 else "")
    files = {
        "environments/dev": f"version: 1\n{environment}\n",
        "teams": f"version: 1\nteams: {{team: {{{team}}}}}\n",
        "presets": "version: 1\npresets: {shared: {env: {A: b}}}\n",
        "pipelines/team/flow": flow,
    }
    return Project({**PLAIN.files, **files})


def rules(row: Row, by: str) -> tuple[str, str]:
    """The line's rule, set by the environment or by the team."""
    open_ = "pod_security: privileged"
    if by == "team":
        return open_, row.rule
    return f"{row.rule}\n{'' if 'pod_security' in row.rule else open_}", ""


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.what}: {row.rule}")
def test_a_line(row: Row) -> None:
    open_ = "pod_security: privileged"
    assert tried(row, open_, "").problems() == []
    place = {"environment": "environments/dev.yaml:2", "team": "teams.yaml:2"}
    for by in place:
        project = tried(row, *rules(row, by))
        problems = project.compiled().problems
        assert {one.code for one in problems} <= CODES
        assert problems
        assert all(one.severity == "error" and place[by] in one.hint for one in problems)
        assert not project.pipelines()
        plain = tried(row._replace(tried="description: plain"), *rules(row, by)).compiled().problems
        found = {(one.path, one.message) for one in problems} - {(one.path, one.message) for one in plain}
        assert found or row.tried == "description: text"  # it is what is tried that breaks the rule
