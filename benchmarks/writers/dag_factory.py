"""dag-factory: one YAML file per DAG; ``__type__`` marks the Kubernetes objects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.work import FLAVORS, SECRET, SECURITY, SNAKE, TOLERATION, Job, Pipeline

LOADER = """\
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401
from dagfactory import load_yaml_dags

load_yaml_dags(globals(), dags_folder=str(Path(__file__).parent / "pipelines"))
"""
_OPERATOR = "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"


def write(pipelines: Iterable[Pipeline], folder: Path) -> None:
    """Write a loader, and a file for each pipeline."""
    files = folder / "dags" / "pipelines"
    files.mkdir(parents=True)
    (folder / "dags" / "loader.py").write_text(LOADER)
    for pipeline in pipelines:
        tasks = [
            {
                "task_id": job.name,
                "operator": _OPERATOR,
                "dependencies": list(job.depends_on),
                **{name: _typed(value) for name, value in _arguments(job).items()},
            }
            for job in pipeline.jobs
        ]
        dag = {
            "default_args": {"owner": pipeline.team, "start_date": "2026-01-01"},
            "schedule": None,
            "catchup": False,
            "tags": [f"team:{pipeline.team}"],
            "tasks": tasks,
        }
        path = files / f"{pipeline.team}_{pipeline.name}.yaml"
        path.write_text(_yaml({pipeline.id: dag}))


def _arguments(job: Job) -> dict[str, Any]:
    """Return the arguments by name. An object of the client is a pair of its class name and its fields."""
    cpu, memory = FLAVORS[job.flavor]
    size = {"cpu": cpu, "memory": memory}
    plain = {
        "name": job.name,
        "namespace": "default",
        "image": job.image,
        "cmds": list(job.command),
        "env_vars": job.env,
        "container_resources": ("V1ResourceRequirements", {"requests": size, "limits": size}),
    }
    if not job.is_real:
        return plain
    assert job.volume
    variable, secret, key = SECRET
    env: list[Any] = [("V1EnvVar", {"name": name, "value": value}) for name, value in job.env.items()]
    source = ("V1EnvVarSource", {"secret_key_ref": ("V1SecretKeySelector", {"name": secret, "key": key})})
    claim = ("V1PersistentVolumeClaimVolumeSource", {"claim_name": job.volume[0]})
    return {
        **plain,
        "env_vars": [*env, ("V1EnvVar", {"name": variable, "value_from": source})],
        "volumes": [("V1Volume", {"name": "data", "persistent_volume_claim": claim})],
        "volume_mounts": [("V1VolumeMount", {"name": "data", "mount_path": job.volume[1]})],
        "tolerations": [("V1Toleration", dict(TOLERATION))],
        "container_security_context": ("V1SecurityContext", {SNAKE[name]: value for name, value in SECURITY.items()}),
        "labels": job.labels,
    }


def _typed(value: Any) -> Any:
    """Return a class of the client and its arguments in the notation of dag-factory."""
    if isinstance(value, tuple):
        kind, fields = value
        return {"__type__": f"kubernetes.client.models.{kind}", **{name: _typed(one) for name, one in fields.items()}}
    return [_typed(one) for one in value] if isinstance(value, list) else value


def _yaml(value: Any, indent: int = 0) -> str:
    """Write maps and lists of maps in block style, as people do, and the rest inline."""
    pad = "  " * indent
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines.append(f"{pad}{key}:\n{_yaml(item, indent + 1)}")
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            lines.append(f"{pad}{key}:")
            for one in item:
                body = _yaml(one, indent + 2)
                lines.append(f"{pad}  - {body.lstrip()}")
        else:
            lines.append(f"{pad}{key}: {json.dumps(item)}")
    return "\n".join(lines)
