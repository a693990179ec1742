"""What a program gets where text comes from a form: rendered by the operator, expanded by the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from live import Live
from operators import context

from dag_factory.config import open_project

FILES = {
    "platform/flavors.yaml": "version: 1\nflavors: {small: {cpu: 100m, memory: 128Mi}}\n",
    "platform/environments/dev.yaml": "version: 1\ncluster: {namespace: default}\n",
    "pipelines/dollars.yaml": """\
version: 1
params: {title: {type: string, default: none}}
params_env: P_
defaults:
  docker_image: alpine:3
  resource_flavor: small
  env: {DB_PASSWORD: {secret: dollars/password}}
  output: json
jobs:
  argument:
    env: {PLAIN: "pa$$word", TITLE: "{{ params.title }}", OWN: "<$(DB_PASSWORD)>"}
    command: [python3, -c, "import json, os, sys; found = [os.environ[n] for n in 'PLAIN TITLE P_TITLE OWN'.split()];
      json.dump([sys.argv[1:], *found], open('/airflow/xcom/return.json', 'w'))"]
    args: ["{{ params.title }}", "$(PLAIN):{{ params.title }}", "$({{ params.title }})"]
  script:
    env: {PLAIN: word}
    script: |
      cat > /airflow/xcom/return.json << 'END'
      {{ params.title | tojson }}
      END
      test "$(echo $$)" = "$$" && test "${PLAIN}" = word
""",
}


@pytest.fixture(scope="module", autouse=True)
def secret(processes: Live) -> None:
    body = {"metadata": {"name": "dollars"}, "stringData": {"password": "SECRET"}}
    processes.api.create_namespaced_secret("default", body)


def output(live: Live, home: Path, job: str, title: str) -> Any:
    """What a job writes as its output, in a run that was started with this title."""
    from dag_factory.build.dag.build_dag import build_dag

    for name, text in FILES.items():
        path = home / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    [pipeline] = open_project(home, "dev").compile_all().pipelines
    dag = build_dag(pipeline)
    task = dag.task_dict[job].prepare_for_execution()
    task.config_file, task.kubernetes_conn_id, task.in_cluster = str(live.handle.kubeconfig), None, False
    full = {**context(f"{job}-{title.encode().hex()}"), "dag": dag, "task": task, "params": {"title": title}}
    task.render_template_fields(full, dag.get_template_env())
    return task.execute(full)


@pytest.mark.parametrize("title", ["$(DB_PASSWORD)", "costs $$5, $(", "DB_PASSWORD", "$", "ü $(P_TITLE) $$(HOME)"])
def test_a_form_neither_reads_a_secret_nor_changes(processes: Live, tmp_path: Path, title: str) -> None:
    arguments, plain, by_env, by_params_env, own = output(processes, tmp_path, "argument", title)
    assert arguments == [title, f"pa$word:{title}", f"$({title})"]
    assert (by_env, by_params_env) == (title, title)
    # The author's own text is expanded, as Kubernetes documents it.
    assert (plain, own) == ("pa$word", "<SECRET>")
    assert output(processes, tmp_path, "script", title) == json.loads(json.dumps(title))
