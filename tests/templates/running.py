"""A job of a template, compiled, and run: as a process for what is said, in a real pod for what is done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import msgspec
from building import rendered
from live import Live
from operators import context
from written import Written

from dag_factory.config import model

_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_]\w*)\)")


def compiled(template: str, inputs: dict[str, Any], image: str = "python:3", **job: Any) -> model.Job:
    """The job ``it`` made of a template; there must be no problem. Two jobs before it have outputs."""
    it = {"uses": template, "with": inputs, "docker_image": image, "depends_on": ["extract"], **job}
    text = json.dumps({"extract": {"output": "json"}, "it": it}, ensure_ascii=False)
    return msgspec.structs.replace(Written(f"jobs: {text}").built().jobs[-1], depends_on=())


def refused(template: str, inputs: str) -> list[str]:
    """What a wrong call is told, as ``code line:column message -- hint``; the inputs stand in line 2."""
    text = f"jobs: {{it: {{uses: {template}, with:\n  {inputs}}}}}\n"
    found = Written(text)
    lines = [f"{problem.code} {problem.message} -- {problem.hint}" for problem in found.compiled().problems]
    assert all(problem.file.endswith("flow.yaml") for problem in found.compiled().problems)
    return lines


def run(live: Live, job: model.Job, outputs: dict[str, Any] | None = None) -> Any:
    """The output of a job that runs in a pod. Raises what the operator raises."""
    task = rendered(job, outputs, cluster=model.Cluster(namespace="default"))
    task.config_file, task.kubernetes_conn_id, task.in_cluster = str(live.handle.kubeconfig), None, False
    task.startup_check_interval_seconds, task.poll_interval = 0.1, 0.1
    return task.execute(context(os.urandom(4).hex()))


def secret(live: Live, name: str, **values: str) -> None:
    """Make a secret of the cluster."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    live.call("POST", "/api/v1/namespaces/default/secrets", body)


@dataclass(frozen=True)
class Ended:
    code: int
    error: str


def process(job: model.Job, env: dict[str, str] | None = None, cwd: Any = None, **more: Any) -> Ended:
    """The end of a job that runs as a process of this machine, where it leaves no output."""
    task = rendered(job, **more)
    said = {variable.name: variable.value for variable in task.env_vars if variable.value is not None}
    values = {**said, **(env or {})}
    command = [_expanded(word, values) for word in (*task.cmds, *task.arguments)]
    command[0] = sys.executable
    environ = {
        "PATH": os.environ["PATH"],
        **{key: _expanded(text, values) for key, text in said.items()},
        **(env or {}),
    }
    done = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=600)
    return Ended(done.returncode, done.stderr)


def _expanded(text: str, values: dict[str, str]) -> str:
    """What Kubernetes makes of ``$(NAME)`` and ``$$``."""
    return _VARIABLE.sub(lambda match: "$" if match[0] == "$$" else values.get(match[1], match[0]), text)
