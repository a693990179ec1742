"""Rendered pods as YAML documents that ``kubectl`` reads. What is no Kubernetes object is a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from dag_factory.config.units import duration_text
from dag_factory.overview.clean import clean
from dag_factory.overview.rendered import Rendered, RenderedDag, RenderedTask

_WIDTH = 120
_LIKE_ANOTHER_TYPE = re.compile(r"[-+.0-9]|[yYnN~]$")
"""Text that some reader of YAML takes for a number, a date or a boolean."""


def manifests(rendered: Rendered, with_dag: bool = True) -> str:
    """The YAML text: the DAG as a comment, then a document for each pod."""
    parts = ["\n".join(_dag(rendered.dag)) + "\n"] if with_dag else []
    tasks = {task.job: task for task in rendered.dag.tasks if task.job}
    for job, pod in rendered.pods.items():
        parts.append("\n".join(_comment(_about(job, tasks[job], rendered.dag))) + f"\n{_yaml(pod)}")
    return "---\n".join(parts)


def _dag(dag: RenderedDag) -> Iterator[str]:
    schedule = "by hand" if dag.schedule is None else json.dumps(dag.schedule, ensure_ascii=False)
    yield from _comment([f"DAG {dag.id}, environment {dag.environment}, from {dag.file}"])
    facts = {
        "schedule": f"{schedule} ({dag.timezone})" if dag.schedule is not None else schedule,
        "start date": dag.start_date,
        "end date": dag.end_date,
        "catchup": "yes" if dag.catchup else "no",
        "paused": None if dag.paused is None else "yes, when it is created" if dag.paused else "no",
        "active runs": dag.max_active_runs and f"at most {dag.max_active_runs}",
        "params": json.dumps(dag.params, ensure_ascii=False) if dag.params else None,
    }
    yield from _comment([f"  {name}: {value}" for name, value in facts.items() if value is not None])
    yield from _comment(["", "Tasks, each with the tasks that it waits for:"])
    yield from _comment([f"  {_task(task)}" for task in dag.tasks])


def _task(task: RenderedTask) -> str:
    after = f" <- {', '.join(task.upstream)}" if task.upstream else ""
    remarks = [
        *(["makes a list, without a pod"] if not task.job else []),
        *(["one for each item of a list"] if task.mapped else []),
        *([f"group {task.group}"] if task.group else []),
        *([f"trigger rule {task.trigger_rule}"] if task.trigger_rule != "all_success" else []),
        *([f"when {task.when}"] if task.when else []),
        *([f"teardown of {', '.join(task.teardown_of)}"] if task.teardown_of else []),
        *([f"retries {task.retries}"] if task.retries else []),
        *([f"timeout {duration_text(task.timeout_seconds)}"] if task.timeout_seconds else []),
        *([f"pool {task.pool}"] if task.pool != "default_pool" else []),
    ]
    return task.id + after + (f" ({'; '.join(remarks)})" if remarks else "")


def _about(job: str, task: RenderedTask, dag: RenderedDag) -> list[str]:
    each = ", for each item of its list" if task.mapped else ""
    return [f"The pod of the job {job} of {dag.id}{each}. Airflow adds a suffix to the name and labels of the run."]


def _comment(lines: list[str]) -> Iterator[str]:
    return (f"# {clean(' '.join(line.splitlines()) if line.strip() else line)}".rstrip() for line in lines)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and all(line.isprintable() for line in text.splitlines()):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    if _LIKE_ANOTHER_TYPE.match(text) or not text.isprintable():
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    return dumper.represent_scalar("tag:yaml.org,2002:str", text)


_Dumper.add_representer(str, _text)


def _yaml(value: Any) -> str:
    plain = json.dumps(value, ensure_ascii=False).isprintable()
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=plain, width=_WIDTH)
