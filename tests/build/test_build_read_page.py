"""The page Why? reads back what the page of a DAG says about its state."""

from __future__ import annotations

from typing import Any

import pytest
from building import a_pipeline

from dag_factory.build.pages.dag_page import dag_page
from dag_factory.build.pages.read_page import PageFacts, read_page
from dag_factory.config.problems import Problem

FILE = "configs/pipelines/growth/churn.yaml"
BROKEN = Problem(FILE, 3, 1, "unknown-key", "unknown key `im_age` [x]", hint="did you mean `image`?")
LINE = f"`{FILE}:3:1` unknown key `im_age` [x] (did you mean `image`?), code `unknown-key`"
DELETED = Problem(FILE, 0, 0, "deleted-pipeline", "nothing defines `growth.churn` [x]", hint="restore the file")
RULE = Problem(FILE, 0, 0, "image-not-allowed", "the image `a_b:1` is not allowed", hint="use another")


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({}, PageFacts(file=FILE, environment="prod")),
        (
            {"current_errors": (BROKEN,)},
            PageFacts(last_good=(LINE,), file=FILE, environment="prod"),
        ),
        (
            {"current_errors": (BROKEN,), "stopped": (RULE,)},
            PageFacts(
                stopped=("the image `a_b:1` is not allowed (use another)",),
                last_good=(LINE,),
                file=FILE,
                environment="prod",
            ),
        ),
        (
            {"stopped": (DELETED,)},
            PageFacts(deleted="nothing defines `growth.churn` [x]", file=FILE, environment="prod"),
        ),
        ({"schedule_off": "configs/dev.yaml"}, PageFacts(off_in="configs/dev.yaml", file=FILE, environment="prod")),
        ({"doc": "### ⛔ Stopped\n\n- not true"}, PageFacts(file=FILE, environment="prod")),
    ],
    ids=["normal", "last-good", "stopped", "deleted", "schedule-off", "doc-of-a-user"],
)
def test_the_state_is_read_back(fields: dict[str, Any], expected: PageFacts) -> None:
    pipeline = a_pipeline(**{"description": "Churn.", "resolved": "Defined in `x`, for the environment `y`", **fields})
    assert read_page(dag_page(pipeline)) == expected
