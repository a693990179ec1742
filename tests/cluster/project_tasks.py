"""Tasks of a small project, ready to run against the local cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from live import Live
from operators import context

from dag_factory.config import open_project

FLAVORS = "version: 1\nflavors: {small: {cpu: 100m, memory: 128Mi}}\n"
ENVIRONMENT = "version: 1\ncluster: {namespace: default}\n"


def rendered_task(
    live: Live, home: Path, pipeline: str, job: str, run: str, params: dict[str, Any], files: Mapping[str, str] = {}
) -> tuple[Any, dict[str, Any]]:
    """The rendered task of a job in a run with these params, and its context.

    ``pipeline`` is the YAML of the only pipeline. ``files`` adds or replaces files, by their path below ``configs/``.
    """
    from dag_factory.build.dag.build_dag import build_dag

    defaults = {"platform/flavors.yaml": FLAVORS, "platform/environments/dev.yaml": ENVIRONMENT}
    for name, text in {**defaults, "pipelines/p.yaml": pipeline, **files}.items():
        path = home / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    compiled = open_project(home, "dev").compile_all()
    assert not compiled.problems
    dag = build_dag(compiled.pipelines[0])
    task = dag.task_dict[job].prepare_for_execution()
    task.config_file, task.kubernetes_conn_id, task.in_cluster = str(live.handle.kubeconfig), None, False
    full = {**context(run), "dag": dag, "task": task, "params": params}
    task.render_template_fields(full, dag.get_template_env())
    return task, full
