"""blueprint: one Python template for all jobs, one YAML file per DAG."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.work import FLAVORS, SECRET, SECURITY, SNAKE, TOLERATION, Pipeline

LOADER = """\
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401
from blueprint import build_all_airflow_dags

build_all_airflow_dags()
"""
_TEMPLATE = """\
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from blueprint import BaseModel, Blueprint
from kubernetes.client import models as k8s

FLAVORS = {flavors}


class PodConfig(BaseModel):
    image: str
    command: list[str]
    env: dict[str, str]
    flavor: str
    claim: str | None = None
    mount: str | None = None
    labels: dict[str, str] = {{}}


class Pod(Blueprint[PodConfig]):
    def render(self, config: PodConfig) -> KubernetesPodOperator:
        cpu, memory = FLAVORS[config.flavor]
        size = {{"cpu": cpu, "memory": memory}}
        arguments = dict(env_vars=config.env)
        if config.claim:
            env = [k8s.V1EnvVar(name=name, value=value) for name, value in config.env.items()]
            selector = k8s.V1SecretKeySelector(name="{secret[1]}", key="{secret[2]}")
            source = k8s.V1EnvVarSource(secret_key_ref=selector)
            claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=config.claim)
            arguments = dict(
                env_vars=[*env, k8s.V1EnvVar(name="{secret[0]}", value_from=source)],
                volumes=[k8s.V1Volume(name="data", persistent_volume_claim=claim)],
                volume_mounts=[k8s.V1VolumeMount(name="data", mount_path=config.mount)],
                tolerations=[k8s.V1Toleration(**{toleration})],
                container_security_context=k8s.V1SecurityContext(**{security}),
                labels=config.labels,
            )
        return KubernetesPodOperator(
            task_id=self.step_id,
            name=self.step_id,
            namespace="default",
            image=config.image,
            cmds=config.command,
            container_resources=k8s.V1ResourceRequirements(requests=size, limits=size),
            **arguments,
        )
"""


def write(pipelines: Iterable[Pipeline], folder: Path) -> None:
    """Write the template, the loader, and a file for each pipeline."""
    dags = folder / "dags"
    dags.mkdir(parents=True)
    (dags / "loader.py").write_text(LOADER)
    security = {SNAKE[name]: value for name, value in SECURITY.items()}
    template = _TEMPLATE.format(flavors=FLAVORS, secret=SECRET, toleration=TOLERATION, security=security)
    (dags / "templates.py").write_text(template)
    for pipeline in pipelines:
        (dags / f"{pipeline.id}.dag.yaml").write_text(_text(pipeline))


def _text(pipeline: Pipeline) -> str:
    lines = [f"dag_id: {pipeline.id}", "schedule: null", "steps:"]
    for job in pipeline.jobs:
        fields = {"blueprint": "pod", "depends_on": list(job.depends_on), "image": job.image}
        fields |= {"command": list(job.command), "env": job.env, "flavor": job.flavor}
        if job.volume:
            fields |= {"claim": job.volume[0], "mount": job.volume[1], "labels": job.labels}
        lines.append(f"  {job.name}:")
        lines += [f"    {name}: {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join(lines) + "\n"
