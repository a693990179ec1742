"""gusty: one folder per DAG, one YAML file per task; the loader defines YAML tags for the Kubernetes objects.

A tag of gusty's takes single values only, so each names a small function.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.work import FLAVORS, SECRET, SECURITY, SNAKE, TOLERATION, Job, Pipeline

LOADER = """\
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401
from gusty import create_dag
from kubernetes.client import models as k8s


def resources(cpu, memory):
    size = {"cpu": cpu, "memory": memory}
    return k8s.V1ResourceRequirements(requests=size, limits=size)


def variable(name, value):
    return k8s.V1EnvVar(name=name, value=value)


def secret(name, secret, key):
    source = k8s.V1EnvVarSource(secret_key_ref=k8s.V1SecretKeySelector(name=secret, key=key))
    return k8s.V1EnvVar(name=name, value_from=source)


def claim(name, claim):
    source = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=claim)
    return k8s.V1Volume(name=name, persistent_volume_claim=source)


tags = {
    "!resources": resources,
    "!variable": variable,
    "!secret": secret,
    "!claim": claim,
    "!mount": k8s.V1VolumeMount,
    "!toleration": k8s.V1Toleration,
    "!security": k8s.V1SecurityContext,
}
for folder in sorted((Path(__file__).parent / "pipelines").iterdir()):
    globals()[folder.name] = create_dag(str(folder), latest_only=False, dag_constructors=tags)
"""
_OPERATOR = "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
_META = """\
schedule: null
catchup: false
tags: ["team:{team}"]
default_args:
  owner: {team}
  start_date: "2026-01-01"
"""


def write(pipelines: Iterable[Pipeline], folder: Path) -> None:
    """Write a loader, and a folder for each pipeline."""
    for pipeline in pipelines:
        own = folder / "dags" / "pipelines" / pipeline.id
        own.mkdir(parents=True)
        (own / "METADATA.yml").write_text(_META.format(team=pipeline.team))
        for job in pipeline.jobs:
            (own / f"{job.name}.yml").write_text(_text(job))
    (folder / "dags" / "loader.py").write_text(LOADER)


def _text(job: Job) -> str:
    cpu, memory = FLAVORS[job.flavor]
    fields = {
        "operator": _OPERATOR,
        "task_id": job.name,
        "dependencies": json.dumps(list(job.depends_on)),
        "name": job.name,
        "namespace": "default",
        "image": job.image,
        "cmds": json.dumps(list(job.command)),
        "env_vars": json.dumps(job.env),
        "container_resources": _tag("resources", cpu=cpu, memory=memory),
    }
    if job.volume:
        variable, secret, key = SECRET
        env = [_tag("variable", name=name, value=value) for name, value in job.env.items()]
        env.append(_tag("secret", name=variable, secret=secret, key=key))
        fields |= {
            "env_vars": f"[{', '.join(env)}]",
            "volumes": f"[{_tag('claim', name='data', claim=job.volume[0])}]",
            "volume_mounts": f"[{_tag('mount', name='data', mount_path=job.volume[1])}]",
            "tolerations": f"[{_tag('toleration', **TOLERATION)}]",
            "container_security_context": _tag("security", **{SNAKE[name]: one for name, one in SECURITY.items()}),
            "labels": json.dumps(job.labels),
        }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def _tag(name: str, /, **fields: object) -> str:
    return f"!{name} {json.dumps(fields)}"
