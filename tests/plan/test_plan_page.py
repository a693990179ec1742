"""The page about plans names every risk, every kind of change and every reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

from dag_factory.config.schema import registry
from dag_factory.plan.cost import REASONS
from dag_factory.plan.formats.markdown import LIMITS, MARKER
from dag_factory.plan.model import DagChange
from dag_factory.plan.risks.kinds import RISKS

PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text("utf-8")


def test_every_risk_has_a_row_with_its_sentence() -> None:
    rows = dict(
        re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE.partition("## Risks")[2].partition("## ")[0], re.MULTILINE)
    )
    assert rows == RISKS


def test_every_kind_of_change_has_a_row() -> None:
    kinds = set(get_args(get_type_hints(DagChange)["kind"]))
    rows = set(re.findall(r"^\| (\w+)(?: only)? \|", PAGE.partition("The kinds of changes")[2], re.MULTILINE))
    assert kinds <= rows


def test_every_reason_why_a_job_is_not_estimable_is_named() -> None:
    assert [reason for reason in REASONS if f"`{reason}`" not in PAGE] == []


def test_every_key_of_the_json_document_has_a_row() -> None:
    schema = json.loads((registry.folder() / "plan.json").read_text("utf-8"))
    rows = PAGE.partition("## JSON")[2]
    assert [key for key in schema["properties"] if f"`{key}`" not in rows] == []


def test_the_marker_and_the_limits_are_those_of_the_code() -> None:
    assert f"`{MARKER}`" in PAGE
    assert [limit for limit in LIMITS.values() if f"{limit:,}" not in PAGE] == []
