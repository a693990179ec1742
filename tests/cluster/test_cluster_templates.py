"""``{{ }}`` in init containers and in pod overlays, on a cluster: the worker renders it, nothing expands the result."""

from __future__ import annotations

from pathlib import Path

import pytest
from live import Live
from operators import execute_deferrable
from project_tasks import rendered_task

PIPELINE = """\
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
"""
TITLE = "$(OWN) $$ {{ ds }} {% if %} ü"


@pytest.mark.parametrize("name", ["plain", "deferred"])
def test_init_containers_and_overlays_are_rendered(processes: Live, tmp_path: Path, name: str) -> None:
    task, context = rendered_task(processes, tmp_path, PIPELINE, name, f"run-{name}", {"title": TITLE})
    output = execute_deferrable(task, context) if name == "deferred" else task.execute(context)
    assert output == [TITLE] * 3
