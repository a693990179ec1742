"""A pod that breaks a rule is never created: the task fails before."""

from __future__ import annotations

from pathlib import Path

import pytest
from live import Live
from project_tasks import rendered_task

from dag_factory.build.worker.try_failed import TryFailed

ENVIRONMENT = """\
version: 1
cluster: {namespace: default}
pod_security: baseline
images: {forbid_latest: true}
"""
PIPELINE = """\
version: 1
params: {tag: {type: string, default: ""}}
defaults: {resource_flavor: small, command: [sh, -c, "true"]}
jobs:
  plain: {docker_image: "alpine:{{ params.tag }}latest"}
  deferred: {docker_image: "alpine:{{ params.tag }}latest", deferrable: true}
"""


@pytest.mark.parametrize("name", ["plain", "deferred"])
def test_a_pod_that_breaks_a_rule_is_not_created(processes: Live, tmp_path: Path, name: str) -> None:
    environment = {"platform/environments/dev.yaml": ENVIRONMENT}
    task, context = rendered_task(processes, tmp_path, PIPELINE, name, f"guard-{name}", {"tag": ""}, environment)
    with pytest.raises(TryFailed) as failure:
        task.execute(context)
    rule = "the image `alpine:latest` has the tag `latest`; the environment `dev` forbids that"
    assert failure.value.next_try.action == "fail"
    assert rule in failure.value.verdict.sentence
    assert "see configs/platform/environments/dev.yaml:4" in failure.value.verdict.sentence
    pods = processes.call("GET", "/api/v1/namespaces/default/pods", labelSelector=f"run_id=guard-{name}")
    assert pods["items"] == []
