"""A plan as JSON follows ``schemas/plan.json``."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from sample_plans import EMPTY, change, everything, flavor_edit, plan

from dag_factory.config.schema import registry
from dag_factory.plan.formats.json_document import as_json
from dag_factory.plan.model import ABSENT, FieldChange, Plan

SCHEMA = json.loads((registry.folder() / "plan.json").read_text("utf-8"))


def document(one: Plan) -> Any:
    return json.loads(as_json(one))


@pytest.mark.parametrize("one", [EMPTY, everything(), flavor_edit(5)], ids=["empty", "everything", "flavor"])
def test_the_document_follows_the_schema(one: Plan) -> None:
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(SCHEMA).iter_errors(document(one))]
    assert errors == []


def test_a_side_without_a_value_has_no_key() -> None:
    fields = (FieldChange("a", ABSENT, None), FieldChange("b", {}, ABSENT))
    (dag,) = document(plan(changes=(change(fields=fields),)))["dags"]
    assert dag["fields"] == [{"path": "a", "after": None}, {"path": "b", "before": {}}]


def test_environments_count_their_dags_and_effects_their_jobs() -> None:
    found = document(flavor_edit(20))
    assert found["environments"] == [
        {"name": "dev", "dags": {"changed": 20}},
        {"name": "prod", "dags": {"changed": 20}},
    ]
    assert (found["effects"][0]["jobs"], found["effects"][0]["dags"]) == (40, 20)
    assert len(found["effects"][0]["places"]) == 80


def test_nothing_is_cut() -> None:
    value = "x" * 5_000
    (dag,) = document(plan(changes=(change(fields=(FieldChange("a", value, "y"),)),)))["dags"]
    assert dag["fields"][0]["before"] == value
