"""A schedule is written as the language reads it, for plans and overviews."""

from __future__ import annotations

import json
from typing import Any

import pytest
from written import built

from dag_factory.config.pipelines.written_schedule import written_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        None,
        "@daily",
        "0 3 * * *",
        {"cron": ["0 3 * * *", "0 12 * * 6"]},
        {"every": "2h"},
        {"assets": {"any": ["s3://b/x", "s3://b/y"]}},
        {"assets": {"all": ["s3://b/x", "s3://b/y"]}, "cron": ["0 3 * * *"]},
    ],
)
def test_the_written_schedule_is_the_one_of_the_file(schedule: Any) -> None:
    pipeline = built(f"schedule: {json.dumps(schedule)}\njobs: {{a: {{}}}}")
    assert written_schedule(pipeline.schedule) == schedule
