"""A broken file costs its own DAG only, and everybody can see why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_stack import Running, eventually

BROKEN = """\
version: 1
description: Broken, then mended.
defaults: {docker_image: "busybox:1"}
jobs:
  one:
    resource_flavour: cpu-small
    script: echo "Mended."
"""


@pytest.fixture
def broken(running: Running) -> Iterator[str]:
    path = running.pipeline("checks.broken", BROKEN)
    yield "checks.broken"
    path.unlink(missing_ok=True)


def test_a_broken_pipeline_is_told_and_siblings_go_on(running: Running, broken: str) -> None:
    sibling = running.begin("checks.sibling")
    eventually(lambda: sibling.jobs().get("before") == "running", 300, "the sibling's first job")

    [row] = eventually(running.import_errors, 300, "the row in Import Errors")
    assert row["filename"] == "import_errors.py"
    text = row["stack_trace"]
    assert "configs/pipelines/checks/broken.yaml:6:5: unknown-key" in text
    assert "at jobs.one.resource_flavour" in text
    assert "resource_flavor" in text.partition("help: ")[2].lower()

    listed = {dag["dag_id"]: dag for dag in running.api.call("GET", "/dags", limit=100)["dags"]}
    assert broken not in listed
    assert not [dag_id for dag_id, dag in listed.items() if dag["has_import_errors"] or dag["is_stale"]]

    (running.claim("sibling") / "go").touch()
    assert sibling.end() == "success"

    path = running.pipeline(broken, BROKEN.replace("flavour", "flavor"))
    mended = running.begin(broken)
    eventually(lambda: not running.import_errors(), 300, "the row to go")
    assert mended.end() == "success"
    assert "Mended." in mended.log("one")

    path.unlink()
    eventually(lambda: broken not in listed_dags(running), 300, "the deleted pipeline to go")


def listed_dags(running: Running) -> list[str]:
    """What the UI lists."""
    found = running.api.call("GET", "/dags", limit=100, exclude_stale="true")["dags"]
    return [dag["dag_id"] for dag in found]
