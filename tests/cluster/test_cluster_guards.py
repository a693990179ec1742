"""A pod that breaks a rule never reaches the cluster: the task fails before it is created."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from live import Live
from operators import context

from dag_factory.config import open_project

FILES = {
    "platform/flavors.yaml": "version: 1\nflavors: {small: {cpu: 100m, memory: 128Mi}}\n",
    "platform/environments/dev.yaml": """\
version: 1
cluster: {namespace: default}
pod_security: baseline
images: {forbid_latest: true}
""",
    "pipelines/guarded.yaml": """\
version: 1
params: {tag: {type: string, default: ""}}
defaults: {resource_flavor: small, command: [sh, -c, "true"]}
jobs:
  plain: {docker_image: "alpine:{{ params.tag }}latest"}
  deferred: {docker_image: "alpine:{{ params.tag }}latest", deferrable: true}
""",
}


@pytest.mark.parametrize("name", ["plain", "deferred"])
def test_a_pod_that_breaks_a_rule_is_not_created(processes: Live, tmp_path: Path, name: str) -> None:
    from dag_factory.build.dag.build_dag import build_dag

    for path, text in FILES.items():
        (tmp_path / "configs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "configs" / path).write_text(text, "utf-8")
    compiled = open_project(tmp_path, "dev").compile_all()
    assert not compiled.problems
    dag = build_dag(compiled.pipelines[0])
    task = dag.task_dict[name].prepare_for_execution()
    task.config_file, task.kubernetes_conn_id, task.in_cluster = str(processes.handle.kubeconfig), None, False
    full: dict[str, Any] = {**context(f"guard-{name}"), "dag": dag, "task": task, "params": {"tag": ""}}
    task.render_template_fields(full, dag.get_template_env())
    with pytest.raises(AirflowFailException) as failure:
        task.execute(full)
    rule = "the image `alpine:latest` is the tag `latest`; the environment `dev` forbids that"
    assert rule in str(failure.value)
    assert "see configs/platform/environments/dev.yaml:4" in str(failure.value)
    pods = processes.call("GET", "/api/v1/namespaces/default/pods", labelSelector=f"run_id=guard-{name}")
    assert pods["items"] == []
