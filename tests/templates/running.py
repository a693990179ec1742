"""Compile a job that uses a template, and run it: as a process to test messages, in a real pod to test effects."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from building import rendered
from live import Live
from operators import context
from written import Written

from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.config import model

_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_]\w*)\)")


def compile_job(template: str, inputs: dict[str, Any], image: str = "python:3", **job: Any) -> model.Job:
    """Compile a job that uses a template, without problems. The job ``extract`` before it has an output."""
    it = {"uses": template, "with": inputs, "docker_image": image, "depends_on": ["extract"], **job}
    text = json.dumps({"extract": {"output": "json"}, "it": it}, ensure_ascii=False)
    return msgspec.structs.replace(Written(f"jobs: {text}").built().jobs[-1], depends_on=())


def problems_of(template: str, inputs: str) -> list[str]:
    """The problems of a call with these inputs, each as ``code message -- hint``."""
    text = f"jobs: {{it: {{uses: {template}, with:\n  {inputs}}}}}\n"
    found = Written(text)
    lines = [f"{problem.code} {problem.message} -- {problem.hint}" for problem in found.compiled().problems]
    assert all(problem.file.endswith("flow.yaml") for problem in found.compiled().problems)
    return lines


def run_in_pod(live: Live, job: model.Job, outputs: dict[str, Any] | None = None) -> Any:
    """Run a job in a pod. Returns its output. Raises what the operator raises."""
    task = rendered(job, outputs, cluster=model.Cluster(namespace="default"))
    task.config_file, task.kubernetes_conn_id, task.in_cluster = str(live.handle.kubeconfig), None, False
    task.startup_check_interval_seconds, task.poll_interval = 0.1, 0.1
    return task.execute(context(os.urandom(4).hex()))


def failure_of(live: Live, job: model.Job, outputs: dict[str, Any] | None = None) -> str:
    """Run a job that fails. Returns the verdict and the last lines of its log."""
    with pytest.raises(TryFailed) as failed:
        run_in_pod(live, job, outputs)
    return "\n".join((failed.value.verdict.sentence, *failed.value.log_lines))


def create_secret(live: Live, name: str, **values: str) -> None:
    """Create a secret in the cluster."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    live.call("POST", "/api/v1/namespaces/default/secrets", body)


@dataclass(frozen=True)
class ProcessResult:
    code: int
    error: str


def run_process(job: model.Job, env: dict[str, str] | None = None, cwd: Any = None, **more: Any) -> ProcessResult:
    """Run a job as a process of this machine, where it writes no output.

    A cluster without namespaces, of another test, links the folder of outputs on this machine: so it gets another name.
    """
    task = rendered(job, **more)
    job_env = {variable.name: variable.value for variable in task.env_vars if variable.value is not None}
    values = {**job_env, **(env or {})}
    command = [_expand(word, values).replace("/airflow/xcom/", "/no-output/") for word in (*task.cmds, *task.arguments)]
    command[0] = sys.executable
    environ = {
        "PATH": os.environ["PATH"],
        **{key: _expand(text, values) for key, text in job_env.items()},
        **(env or {}),
    }
    result = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=600)
    return ProcessResult(result.returncode, result.stderr)


def _expand(text: str, values: dict[str, str]) -> str:
    """Expand ``$(NAME)`` and ``$$`` as Kubernetes does."""
    return _VARIABLE.sub(lambda match: "$" if match[0] == "$$" else values.get(match[1], match[0]), text)
