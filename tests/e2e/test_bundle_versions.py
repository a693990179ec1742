"""Airflow's git bundle pins each run to a commit, also after the branch moves on.

This test has an Airflow and a cluster of its own, so it runs beside the other tests.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_stack import REPOSITORY, Run, Running, wait_for

from dag_factory import cluster
from dag_factory.cli.stack import open_stack
from dag_factory.local.api import AirflowApi
from dag_factory.local.instance import Instance, free_port

DAG = "versions.main"
TEXT = """version: 1
description: The {which} version.
defaults: {{docker_image: "busybox:1", resource_flavor: {flavor}, retries: 0}}
jobs:
  waits:
    volumes: [{{mount_path: /data, pvc: pinned}}]
    script: until [ -e /data/go ]; do sleep 0.2; done
  prints:
    depends_on: [waits]
    script: echo "The {which} version."
"""


class GitAirflow(Instance):
    """An Airflow that reads its DAGs from a git repository on this machine."""

    def settings(self, port: int, tasks_port: int | None = None) -> dict[str, str]:
        kwargs = {"repo_url": str(self.home), "tracking_ref": "main", "subdir": "dags", "refresh_interval": 1}
        bundle = {"name": "ours", "classpath": "airflow.providers.git.bundles.git.GitDagBundle", "kwargs": kwargs}
        settings = super().settings(port, tasks_port)
        del settings["DAG_FACTORY_HOME"]  # the bundle has another folder for each version
        return settings | {
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.folder / "bundles"),
            "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        }


@dataclass(frozen=True)
class GitProject:
    """The repository, and the Airflow that reads it."""

    repository: Path
    running: Running

    def commit(self, which: str, flavor: str = "cpu-small") -> None:
        path = self.repository / "configs/pipelines/versions/main.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT.format(which=which, flavor=flavor))
        self.git("add", "--all")
        self.git("commit", "--message", f"The {which} version")

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
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitProject]:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "repository"
    for folder in ("dags", "configs/platform"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / folder, home / folder, ignore=ignored)
    (home / ".gitignore").write_text(".dagf/\n")
    stack = open_stack("versions", home)
    own = stack.instance
    instance = GitAirflow(home, tmp_path / "airflow", own.environment, own.connections)
    found = GitProject(home, Running(stack, AirflowApi(free_port())))
    found.git("init", "--initial-branch", "main")
    found.commit("first")
    try:
        cluster.up(stack.cluster)
        instance.start(found.running.api.port)
        yield found
    finally:
        instance.stop()
        cluster.down(stack.cluster_folder)


def test_a_run_keeps_the_version_of_its_commit(project: GitProject) -> None:
    running = project.running
    first = running.start(DAG)
    wait_for(lambda: first.jobs().get("waits") == "running", 300, "the first run's first job")

    project.commit("second", flavor="cpu-smal")
    wait_for(lambda: "last good version" in project.tags(), 300, "the broken commit")
    second = running.start(DAG)

    project.commit("third")
    wait_for(lambda: project.description() == "The third version.", 300, "the fixed commit")
    third = running.start(DAG)

    (running.claim("pinned") / "go").touch()
    assert [run.wait() for run in (first, second, third)] == ["success"] * 3
    assert len({project.version(run) for run in (first, second, third)}) == 3
    assert "The first version." in first.log("prints")
    assert "The first version." in second.log("prints")  # what the DAG processor used when the run started
    assert "The third version." in third.log("prints")
    assert "last good version" not in project.tags()

    again = {"dry_run": False, "dag_run_id": second.id, "task_ids": ["prints"], "only_failed": False}
    running.api.call("POST", f"/dags/{DAG}/clearTaskInstances", again)
    assert second.wait() == "success"  # the request queues the run again before it returns
    [task] = [task for task in running.api.tasks(DAG, second.id) if task["task_id"] == "prints"]
    assert (task["state"], task["try_number"]) == ("success", 2)
    assert "The first version." in second.log("prints", 2)
