"""Runs that Airflow pins to a commit, by its own git bundle, scheduler and workers, while the branch goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from real_stack import Run, Running, eventually

from dag_factory.local.instance import Instance, free_port

DAG = "story.told"
TEXT = """version: 1
description: The {which} telling.
defaults: {{docker_image: "busybox:1", resource_flavor: {flavor}, retries: 0}}
jobs:
  waits:
    volumes: [{{mount_path: /data, pvc: pinned}}]
    script: until [ -e /data/go ]; do sleep 0.2; done
  tells:
    depends_on: [waits]
    script: echo "The {which} telling."
"""


class FromGit(Instance):
    """An Airflow that gets its DAGs from a repository on this machine."""

    def settings(self, port: int, tasks_port: int | None = None) -> dict[str, str]:
        kwargs = {"repo_url": str(self.home), "tracking_ref": "main", "subdir": "dags", "refresh_interval": 1}
        bundle = {"name": "ours", "classpath": "airflow.providers.git.bundles.git.GitDagBundle", "kwargs": kwargs}
        settings = super().settings(port, tasks_port)
        del settings["DAG_FACTORY_HOME"]  # the bundle's, another folder for each version
        return settings | {
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.folder / "bundles"),
            "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        }


@dataclass(frozen=True)
class Story:
    """The repository, and the Airflow that follows it."""

    repository: Path
    running: Running

    def commit(self, which: str, flavor: str = "cpu-small") -> None:
        path = self.repository / "configs/pipelines/story/told.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT.format(which=which, flavor=flavor))
        self.git("add", "--all")
        self.git("commit", "--message", f"The {which} telling")

    def git(self, *words: str) -> None:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        subprocess.run(["git", "-C", str(self.repository), *identity, *words], check=True, capture_output=True)

    def version(self, run: Run) -> str:
        return str(self.running.api.call("GET", f"/dags/{DAG}/dagRuns/{run.id}")["bundle_version"])

    def tags(self) -> set[str]:
        return {tag["name"] for tag in self.running.api.call("GET", f"/dags/{DAG}")["tags"]}

    def description(self) -> str:
        return str(self.running.api.call("GET", f"/dags/{DAG}")["description"])


@pytest.fixture
def story(running: Running, tmp_path: Path) -> Iterator[Story]:
    home = tmp_path / "repository"
    for folder in ("dags", "configs/platform"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(running.stack.home / folder, home / folder, ignore=ignored)
    own = running.stack.instance
    instance = FromGit(home, tmp_path / "airflow", own.environment, own.connections)
    found = Story(home, running)
    found.git("init", "--initial-branch", "main")
    found.commit("first")
    try:
        yield replace(found, running=replace(running, api=instance.start(free_port())))
    finally:
        instance.stop()


def test_a_run_goes_on_as_its_commit_says_whatever_the_branch_says_now(story: Story) -> None:
    running = story.running
    first = running.begin(DAG)
    eventually(lambda: first.jobs().get("waits") == "running", 300, "the first run's first job")

    story.commit("second", flavor="cpu-smal")
    eventually(lambda: "last good version" in story.tags(), 300, "the broken commit")
    second = running.begin(DAG)

    story.commit("third")
    eventually(lambda: story.description() == "The third telling.", 300, "the mended commit")
    third = running.begin(DAG)

    (running.claim("pinned") / "go").touch()
    assert [run.end() for run in (first, second, third)] == ["success"] * 3
    assert len({story.version(run) for run in (first, second, third)}) == 3
    assert "The first telling." in first.log("tells")
    assert "The first telling." in second.log("tells")  # as the DAG processor took it when the run began
    assert "The third telling." in third.log("tells")
    assert "last good version" not in story.tags()

    again = {"dry_run": False, "dag_run_id": second.id, "task_ids": ["tells"], "only_failed": False}
    running.api.call("POST", f"/dags/{DAG}/clearTaskInstances", again)
    eventually(lambda: second.jobs()["tells"] != "success", 300, "the job to be cleared")
    assert second.end() == "success"
    assert "The first telling." in second.log("tells", 2)
