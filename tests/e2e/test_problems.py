"""A broken file affects only its own DAG, and Import Errors shows why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from real_stack import RUNS, Running, wait_for

FILE = "pipelines/checks/broken.yaml"
BROKEN = """\
version: 1
description: Broken, then fixed.
defaults: {docker_image: "busybox:1"}
jobs:
  one:
    resource_flavour: cpu-small
    script: echo "Fixed."
"""


@pytest.fixture
def broken(running: Running) -> Iterator[str]:
    path = running.pipeline("checks.broken", BROKEN)
    yield "checks.broken"
    path.unlink(missing_ok=True)


def test_a_broken_pipeline_is_reported_and_the_others_continue(running: Running, broken: str) -> None:
    sibling = running.start("checks.sibling")
    wait_for(lambda: sibling.jobs().get("before") == "running", 300, "the sibling's first job")

    row = wait_for(lambda: running.import_error(FILE), 300, "the row in Import Errors")
    assert row["filename"] == "import_errors.py"
    text = row["stack_trace"]
    assert "configs/pipelines/checks/broken.yaml:6:5: unknown-key" in text
    assert "at jobs.one.resource_flavour" in text
    assert "resource_flavor" in text.partition("help: ")[2].lower()

    listed = listed_dags(running)
    assert broken not in listed
    assert {dag_id for dag_id, _ in RUNS.values()} <= listed.keys()
    assert not [dag_id for dag_id, dag in listed.items() if dag["has_import_errors"]]

    (running.claim("sibling") / "go").touch()
    assert sibling.wait() == "success"

    path = running.pipeline(broken, BROKEN.replace("flavour", "flavor"))
    fixed = running.start(broken)
    wait_for(lambda: not running.import_error(FILE), 300, "the row to disappear")
    assert fixed.wait() == "success"
    assert "Fixed." in fixed.log("one")

    path.unlink()
    wait_for(lambda: broken not in listed_dags(running), 300, "the deleted pipeline to disappear")


def listed_dags(running: Running) -> dict[str, dict[str, Any]]:
    """Return the DAGs that the UI lists, by id."""
    found = running.api.call("GET", "/dags", limit=100, exclude_stale="true")["dags"]
    return {dag["dag_id"]: dag for dag in found}
