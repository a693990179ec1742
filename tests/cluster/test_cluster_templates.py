"""``{{ }}`` in the containers beside the job's own, on a cluster: rendered by the worker, expanded by nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live import Live
from operators import context, execute_deferrable

from dag_factory.config import open_project

FILES = {
    "platform/flavors.yaml": "version: 1\nflavors: {small: {cpu: 100m, memory: 128Mi}}\n",
    "platform/environments/dev.yaml": "version: 1\ncluster: {namespace: default}\n",
    "pipelines/beside.yaml": """\
version: 1
params: {title: {type: string, default: none}, countries: {type: array, default: []}}
defaults:
  docker_image: alpine:3
  resource_flavor: small
  output: json
  volumes: [{mount_path: /data, empty_dir: {}, name: data}]
  init_containers:
    - name: folder
      image: alpine:3
      command: [sh, -c, 'mkdir -p "$1/in" && printf %s "$TITLE" > "$1/in/title"', sh, "/all/{{ run_id }}"]
      env: [{name: OWN, value: secret}, {name: TITLE, value: "{{ params.title }}"}]
      volumeMounts: [{name: data, mountPath: /all}]
    - name: seen
      image: alpine:3
      command: [sh, -c, "cp /run-folder/in/title /run-folder/seen"]
      volumeMounts: [{name: data, mountPath: /run-folder, subPath: "{{ run_id }}"}]
  pod:
    spec:
      containers: [{name: base, args: ["{{ params.title }}"]}]
      initContainers:
        - {name: last, image: alpine:3, command: [sh, -c, 'printf %s "$1" > /all/last', sh, "{{ params.title }}"],
           volumeMounts: [{name: data, mountPath: /all}]}
  command: [python3, -c, "import json, os, sys; d = '/data/' + os.environ['RUN'];
    found = [sys.argv[1], open(d + '/seen').read(), open('/data/last').read()];
    json.dump(found, open('/airflow/xcom/return.json', 'w'))"]
  env: {RUN: "{{ run_id }}"}
jobs:
  plain: {}
  deferred: {deferrable: true}
""",
}
TITLE = "$(OWN) $$ {{ ds }} {% if %} ü"


@pytest.mark.parametrize("name", ["plain", "deferred"])
def test_init_containers_and_overlays_are_rendered(processes: Live, tmp_path: Path, name: str) -> None:
    from dag_factory.build.dag.build_dag import build_dag

    for path, text in FILES.items():
        (tmp_path / "configs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "configs" / path).write_text(text, "utf-8")
    compiled = open_project(tmp_path, "dev").compile_all()
    assert not compiled.problems
    dag = build_dag(compiled.pipelines[0])
    task = dag.task_dict[name].prepare_for_execution()
    task.config_file, task.kubernetes_conn_id, task.in_cluster = str(processes.handle.kubeconfig), None, False
    full: dict[str, Any] = {**context(f"run-{name}"), "dag": dag, "task": task, "params": {"title": TITLE}}
    task.render_template_fields(full, dag.get_template_env())
    found = execute_deferrable(task, full) if name == "deferred" else task.execute(full)
    assert found == [TITLE] * 3
