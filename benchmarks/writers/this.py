"""This project: the platform's tables, one YAML file per pipeline, and the two files of ``dags/``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from benchmarks.work import FLAVORS, SECRET, SECURITY, TOLERATION, Job, Pipeline

ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = """\
version: 1
vars: {registry: registry.example.com/bench}
cluster: {namespace: default, kubernetes_conn_id: kubernetes_default}
schedules: run
timezone: UTC
defaults: {pipeline: {start_date: 2026-01-01}}
"""
_REAL_DEFAULTS = f"""\
  tolerations: [{json.dumps(TOLERATION)}]
  security_context: {json.dumps(SECURITY)}
"""


def write(pipelines: Iterable[Pipeline], folder: Path) -> None:
    """Write a project with three environments. The benchmarks build the DAGs of ``prod``."""
    write_platform(folder)
    for pipeline in pipelines:
        path = folder / "configs" / "pipelines" / pipeline.team / f"{pipeline.name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(pipeline))


def write_platform(folder: Path) -> None:
    """Write everything except the pipelines."""
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    environments = folder / "configs" / "platform" / "environments"
    environments.mkdir(parents=True)
    for name in ("dev", "staging", "prod"):
        (environments / f"{name}.yaml").write_text(_ENVIRONMENT)
    flavors = "".join(f"  {name}: {{cpu: {cpu}, memory: {memory}}}\n" for name, (cpu, memory) in FLAVORS.items())
    (folder / "configs" / "platform" / "flavors.yaml").write_text(f"version: 1\nflavors:\n{flavors}")


def text(pipeline: Pipeline) -> str:
    """Return the text of one pipeline's file. Its ``defaults`` hold what all its jobs share."""
    defaults = '  env: {PIPELINE: "${{ pipeline.name }}", STEP: "${{ job.name }}"}\n'
    if pipeline.jobs[0].is_real:
        defaults += _REAL_DEFAULTS
    jobs = "".join(map(_job, pipeline.jobs))
    return f"version: 1\nowner: {pipeline.team}\nschedule: null\ndefaults:\n{defaults}jobs:\n{jobs}"


def _job(job: Job) -> str:
    image = job.image.replace("registry.example.com/bench", "${{ vars.registry }}")
    lines = [
        f"  {job.name}:",
        f'    docker_image: "{image}"',
        f"    command: {json.dumps(list(job.command))}",
        f"    resource_flavor: {job.flavor}",
    ]
    if job.depends_on:
        lines.append(f"    depends_on: [{', '.join(job.depends_on)}]")
    if job.is_real:
        assert job.volume
        variable, secret, key = SECRET
        env = {name: value for name, value in job.env.items() if name not in ("PIPELINE", "STEP")}
        lines.append("    env:")
        lines += [f"      {name}: {json.dumps(value)}" for name, value in env.items()]
        lines += [
            f"      {variable}: {{secret: {secret}/{key}}}",
            f"    volumes: [{{name: data, mount_path: {job.volume[1]}, pvc: {job.volume[0]}}}]",
            f"    labels: {json.dumps(job.labels)}",
        ]
    return "\n".join(lines) + "\n"
