"""The plan says that a DAG changes exactly when it does: what Airflow stores, its pods and what Airflow does not store.

Each edit of a random walk changes one key of a pipeline or a table, or only the layout of a file. The DAGs before and
after it are built and compared without the plan.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import edits
import pytest
from oracle import observe

from dag_factory.config import open_project
from dag_factory.config.model import Pipeline
from dag_factory.config.schema import registry
from dag_factory.plan.differences.dag_change import dag_change
from dag_factory.plan.model import Comparison, DagChange

EDITS = 260
"""Of each walk."""
LONGEST = 60
"""Edits after which a walk starts again from the first project."""
NOT_STORED = {
    "tolerations": [{"key": "t"}],
    "service_account": "who",
    "security_context": {"runAsUser": 7},
    "working_dir": "/app",
    "keep_pod": "always",
    "schedule_timeout": "8m",
    "image_pull_policy": "Always",
}
"""Keys of jobs that Airflow does not store, with a value."""


class Walker:
    """A project on disk that is edited."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._written: edits.Files = {}

    def compile(self, files: edits.Files) -> Pipeline | None:
        """Write the files and compile the pipeline; None if it has errors or does not exist."""
        for name, data in files.items():
            if self._written.get(name) != data:
                path = self._home / "configs" / (name if name.endswith(".j2") else f"{name}.yaml")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(edits.text_of(data))
        self._written = files
        found = open_project(self._home, "dev").compile_all()
        if any(problem.severity == "error" for problem in found.problems):
            return None
        return found.pipelines[0] if found.pipelines else None


def walk(home: Path, seed: int, count: int) -> Iterator[tuple[str, Pipeline, Pipeline]]:
    """Yield edits of which both sides are valid, and the pipeline before and after each."""
    chance, walker = random.Random(seed), Walker(home)
    while count:
        files = edits.project()
        before = walker.compile(files)
        assert before
        for _ in range(LONGEST):
            edited, what = edits.edit(files, chance)
            after = walker.compile(edited)
            if after is None:
                continue
            yield what, before, after
            files, before = edited, after
            count -= 1
            if not count:
                return


def plan(before: Pipeline, after: Pipeline) -> DagChange | None:
    return dag_change(Comparison("dev", before.id, before.file, before, after))


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "kubernetes://")


@pytest.mark.parametrize("seed", range(8))
def test_the_plan_changes_exactly_when_the_dag_does(seed: int, tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    views = {}
    for what, before, after in walk(tmp_path, seed, EDITS):
        for pipeline in (before, after):
            if id(pipeline) not in views:
                views = {**dict(list(views.items())[-1:]), id(pipeline): (observe(pipeline), pipeline)}
        (old_effect, old_stored), (new_effect, new_stored) = views[id(before)][0], views[id(after)][0]
        expected = "changed" if old_effect != new_effect else "documentation" if old_stored != new_stored else "same"

        change = plan(before, after)

        kind = change.kind if change else "same"
        assert kind == expected, f"{what}: {change}"
        if change and kind == "changed":
            assert change.fields or change.jobs or change.edges_added or change.edges_removed, what
            assert all(job.kind != "changed" or job.fields for job in change.jobs), what
        kinds[kind] += 1
    assert sum(kinds.values()) == EDITS
    assert min(kinds[kind] for kind in ("changed", "documentation", "same")) > EDITS // 25


@pytest.mark.parametrize("key", NOT_STORED)
def test_a_change_that_airflow_does_not_store(key: str, tmp_path: Path) -> None:
    walker = Walker(tmp_path)
    before = walker.compile(edits.project())
    edited = edits.project()
    edited[edits.FLOW]["jobs"]["it"][key] = NOT_STORED[key]
    after = walker.compile(edited)
    assert before and after

    change = plan(before, after)

    assert change and change.kind == "changed"
    assert [job.job for job in change.jobs] == ["it"]
    assert observe(before)[0] != observe(after)[0]


def test_the_edits_know_every_key() -> None:
    documents = registry.documents()

    def keys(name: str, definition: str = "") -> set[str]:
        schema = documents[f"{name}.schema.json"]
        return set((schema["$defs"][definition] if definition else schema)["properties"])

    apart = {"version", "defaults", "jobs", "instances", "environments", "with"}
    assert keys("job", "job") == set(edits.JOB)
    assert keys("flavors", "flavor") == set(edits.FLAVOR)
    assert keys("pipeline") - apart == set(edits.HEADER)
    assert keys("environment") - {"version", "extends"} == set(edits.ENVIRONMENT)
    assert keys("retries", "rule") == set(edits.RULE)
    # Airflow's default is an effect like any number, so no edit sets it: "not set" would be equal.
    assert "16" not in map(str, (*edits.HEADER["max_active_runs"], *edits.HEADER["max_active_jobs"]))
