"""Python written by hand, one file per DAG, in the style of the operator's documentation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.work import FLAVORS, SECRET, SECURITY, SNAKE, TOLERATION, Job, Pipeline

_HEAD = """\
from datetime import datetime

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from kubernetes.client import models as k8s

with DAG("{id}", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["team:{team}"]):
"""
_TASK = """\
    {variable} = KubernetesPodOperator(
        task_id="{name}",
        name="{name}",
        namespace="default",
        image="{image}",
        cmds={command},
        env_vars={env},
        container_resources=k8s.V1ResourceRequirements(
            requests={resources},
            limits={resources},
        ),
{more}    )
"""
_REAL = """\
        volumes=[
            k8s.V1Volume(
                name="data",
                persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name="{claim}"),
            )
        ],
        volume_mounts=[k8s.V1VolumeMount(name="data", mount_path="{mount}")],
        tolerations=[k8s.V1Toleration({toleration})],
        container_security_context=k8s.V1SecurityContext({security}),
        labels={labels},
"""


def write(pipelines: Iterable[Pipeline], folder: Path) -> None:
    """Write a Python file for each pipeline."""
    dags = folder / "dags"
    dags.mkdir(parents=True)
    for pipeline in pipelines:
        (dags / f"{pipeline.team}_{pipeline.name}.py").write_text(text(pipeline))


def text(pipeline: Pipeline) -> str:
    """Return the text of one pipeline's file."""
    parts = [_HEAD.format(id=pipeline.id, team=pipeline.team), *map(_task, pipeline.jobs), ""]
    for job in pipeline.jobs:
        if job.depends_on:
            parts.append(f"    [{', '.join(map(_variable, job.depends_on))}] >> {_variable(job.name)}\n")
    return "".join(parts)


def _task(job: Job) -> str:
    cpu, memory = FLAVORS[job.flavor]
    return _TASK.format(
        variable=_variable(job.name),
        name=job.name,
        image=job.image,
        command=list(job.command),
        env=_env(job),
        resources={"cpu": cpu, "memory": memory},
        more=_real(job) if job.is_real else "",
    )


def _env(job: Job) -> str:
    if not job.is_real:
        return repr(job.env)
    variable, secret, key = SECRET
    lines = [f"            k8s.V1EnvVar(name={name!r}, value={value!r})," for name, value in job.env.items()]
    lines.append(
        f"            k8s.V1EnvVar(name={variable!r}, value_from=k8s.V1EnvVarSource(\n"
        f"                secret_key_ref=k8s.V1SecretKeySelector(name={secret!r}, key={key!r}))),"
    )
    return "[\n" + "\n".join(lines) + "\n        ]"


def _real(job: Job) -> str:
    assert job.volume
    return _REAL.format(
        claim=job.volume[0],
        mount=job.volume[1],
        toleration=", ".join(f"{key}={value!r}" for key, value in TOLERATION.items()),
        security=", ".join(f"{SNAKE[key]}={value!r}" for key, value in SECURITY.items()),
        labels=job.labels,
    )


def _variable(name: str) -> str:
    return name.replace("-", "_")
