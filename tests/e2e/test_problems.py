"""A broken file affects only its own DAG, and Import Errors shows why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_stack import Running, wait_for

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

    [row] = wait_for(running.import_errors, 300, "the row in Import Errors")
    assert row["filename"] == "import_errors.py"
    text = row["stack_trace"]
    assert "configs/pipelines/checks/broken.yaml:6:5: unknown-key" in text
    assert "at jobs.one.resource_flavour" in text
    assert "resource_flavor" in text.partition("help: ")[2].lower()

    listed = {dag["dag_id"]: dag for dag in running.api.call("GET", "/dags", limit=100)["dags"]}
    assert broken not in listed
    assert not [dag_id for dag_id, dag in listed.items() if dag["has_import_errors"] or dag["is_stale"]]

    (running.claim("sibling") / "go").touch()
    assert sibling.wait() == "success"

    path = running.pipeline(broken, BROKEN.replace("flavour", "flavor"))
    fixed = running.start(broken)
    wait_for(lambda: not running.import_errors(), 300, "the row to disappear")
    assert fixed.wait() == "success"
    assert "Fixed." in fixed.log("one")

    path.unlink()
    wait_for(lambda: broken not in listed_dag_ids(running), 300, "the deleted pipeline to disappear")


def listed_dag_ids(running: Running) -> list[str]:
    """Return the ids of the DAGs that the UI lists."""
    found = running.api.call("GET", "/dags", limit=100, exclude_stale="true")["dags"]
    return [dag["dag_id"] for dag in found]
