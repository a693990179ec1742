"""The guide's table of what pipelines cannot do: each row is tried with its rule and without it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from table_project import MINIMAL, PIPELINE, Project

GUIDE = Path(__file__).parents[2] / "docs" / "guide-platform.md"
_ROW = re.compile(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \|$", re.MULTILINE)
_OF_PIPELINE = ("max_active_", "schedule:", "description:")
CODES = {"pod-security", "not-allowed", "hidden-reference", "over-limit"}


class Row(NamedTuple):
    """What a pipeline cannot do, the rule that forbids it, and the keys that try it."""

    what: str
    rule: str
    attempt: str


def rows() -> list[Row]:
    """The rows of the table."""
    text = GUIDE.read_text("utf-8")
    section = text[text.index("### Limits of pods and pipelines") : text.index("### What only the cluster can enforce")]
    return [Row(*match.groups()) for match in _ROW.finditer(section)]


def test_every_row_of_the_table_is_read() -> None:
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


def project(row: Row, environment: str, team: str) -> Project:
    """The pipeline of a row, with rules set by the environment and by the team."""
    flow = f"{PIPELINE}jobs: {{a: {{{row.attempt}}}}}\n"
    if row.attempt.startswith(_OF_PIPELINE):
        parts = row.attempt.split(", jobs: ")
        flow = f"{PIPELINE}{parts[0]}\n" + (f"jobs: {parts[1]}\n" if len(parts) > 1 else "")
    files = {
        "environments/dev": f"version: 1\n{environment}\n",
        "teams": f"version: 1\nteams: {{team: {{{team}}}}}\n",
        "presets": "version: 1\npresets: {shared: {env: {A: b}}}\n",
        "pipelines/team/flow": flow,
    }
    return Project({**MINIMAL.files, **files})


def rules(row: Row, by: str) -> tuple[str, str]:
    """The rule of a row, set by the environment or by the team."""
    open_ = "pod_security: privileged"
    if by == "team":
        return open_, row.rule
    return f"{row.rule}\n{'' if 'pod_security' in row.rule else open_}", ""


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.what}: {row.rule}")
def test_row(row: Row) -> None:
    open_ = "pod_security: privileged"
    assert project(row, open_, "").problems() == []
    place = {"environment": "environments/dev.yaml:2", "team": "teams.yaml:2"}
    for by in place:
        limited = project(row, *rules(row, by))
        problems = limited.compile().problems
        assert {one.code for one in problems} <= CODES
        assert problems
        assert all(one.severity == "error" and place[by] in one.hint for one in problems)
        assert not limited.pipelines()
        plain = project(row._replace(attempt="description: plain"), *rules(row, by)).compile().problems
        found = {(one.path, one.message) for one in problems} - {(one.path, one.message) for one in plain}
        assert found or row.attempt == "description: text"  # only the attempt breaks the rule
