"""What a pipeline's DAG does, seen without the plan: what Airflow stores, the pods, and what it does not store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from dag_factory.build.left_pods import LeftPods
from dag_factory.config.guard_rules import Guards
from dag_factory.config.model import Job, Pipeline

_DOCUMENTATION = ("doc_md", "description")
_OF_ALERTS = ("environment", "id", "team", "owner", "timeout", "links")
"""The fields of a pipeline that ``build/alerts`` reads, besides its file, alerts, channels and jobs. The alerts of a
deadline are stored with it.
"""
_NOT_ARGUMENTS = frozenset(
    {
        *("dag", "_dag", "task_group", "_task_group", "doc_md", "start_date", "end_date", "upstream_task_ids"),
        *("downstream_task_ids", "_log", "_logger_name", "_BaseOperator__init_kwargs", "_lock_for_execution"),
        *("_BaseOperator__from_mapped", "_BaseOperator__instantiated", "params", "_cached_logger", "template_fields"),
    }
)


def observe(pipeline: Pipeline) -> tuple[str, str]:
    """The effect of the pipeline's DAG as text, and everything that Airflow stores of it."""
    from airflow.serialization.serialized_objects import DagSerialization

    from dag_factory.build.dag.build_dag import build_dag

    dag = build_dag(pipeline)
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)["dag"]))
    stored["tasks"].sort(key=lambda task: task["__var"]["task_id"])
    full = json.dumps(stored, sort_keys=True)
    for one in (stored, *(task["__var"] for task in stored["tasks"])):
        for key in _DOCUMENTATION:
            one.pop(key, None)
            one.get("partial_kwargs", {}).pop(key, None)
    effect = {
        "stored": stored,
        "dag": {
            name: canonical(getattr(dag, name))
            for name in (
                *("user_defined_macros", "user_defined_filters", "jinja_environment_kwargs", "deadline"),
                *("on_success_callback", "on_failure_callback", "is_paused_upon_creation", "catchup"),
            )
        },
        "params": {name: canonical(param) for name, param in dag.params.items()} if dag.params else {},
        "tasks": {task.task_id: _task(task) for task in dag.tasks},
    }
    return json.dumps(effect, sort_keys=True), full


def _task(task: Any) -> Any:
    pod: Any = None
    if hasattr(task, "build_pod_request_obj"):
        task.random_name_suffix = False
        pod = canonical(task.build_pod_request_obj(dry_run=True))
    if hasattr(task, "partial_kwargs"):  # a mapped task
        mapped = {"partial": task.partial_kwargs, "expanded": task._get_specified_expand_input().value}
        return {"arguments": canonical(mapped), "operator_name": task._operator_name}
    names = (name for name in vars(task) if name not in _NOT_ARGUMENTS)
    return {"pod": pod, "arguments": {name: canonical(getattr(task, name)) for name in names}}


def canonical(value: Any) -> Any:
    """A value as JSON, in which equal arguments are equal: without positions, documentation and addresses."""
    from kubernetes.client import ApiClient

    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Job):
        fields = {
            name: canonical(getattr(value, name)) for name in value.__struct_fields__ if name not in ("line", "doc")
        }
        return {**fields, "depends_on": sorted(value.depends_on), "teardown_of": sorted(value.teardown_of)}
    if isinstance(value, LeftPods):  # it uses the cluster and the jobs, which the tasks have, too, and no alerts
        return type(value).__name__
    if isinstance(value, Pipeline):  # of the callbacks that send alerts
        alerts = [
            msgspec.structs.replace(one, on_deadline=()) for one in (value.alerts, *(job.alerts for job in value.jobs))
        ]
        used = {name for one in alerts for names in msgspec.structs.astuple(one) for name in names}
        return {name: canonical(getattr(value, name)) for name in _OF_ALERTS} | {
            "alerts": canonical(alerts[0]),
            "channels": sorted(repr(channel) for channel in value.channels if channel.name in used),
            "jobs": sorted((canonical(job) for job in value.jobs), key=lambda job: str(job["name"])),
        }
    if isinstance(value, Guards):
        return _without_positions(msgspec.to_builtins(value))
    if isinstance(value, msgspec.Struct):
        return {
            "struct": type(value).__name__,
            **{name: canonical(getattr(value, name)) for name in value.__struct_fields__},
        }
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items() if key not in ("dag", "task_group", "doc_md")}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((canonical(item) for item in value), key=str)
    if isinstance(value, (datetime, date, timedelta)):
        return str(value)
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, type):
        return [value.__module__, value.__name__, sorted(getattr(value, "allow", ()))]
    if type(value).__module__.startswith("kubernetes.client"):
        return ApiClient().sanitize_for_serialization(value)
    if hasattr(value, "__func__"):  # a method
        return [value.__func__.__qualname__, canonical(value.__self__)]
    if callable(value) and hasattr(value, "__qualname__"):
        return value.__qualname__
    fields = {name: item for name, item in _fields(value).items() if name not in ("file", "line", "_pipeline")}
    found = {"class": type(value).__qualname__, **{name: canonical(item) for name, item in fields.items()}}
    return found | ({"_pipeline": canonical(value._pipeline)} if hasattr(value, "_pipeline") else {})


def _struct(value: msgspec.Struct, *without: str) -> dict[str, Any]:
    return {name: canonical(getattr(value, name)) for name in value.__struct_fields__ if name not in without}


def _fields(value: Any) -> dict[str, Any]:
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ()) if name[:2] != "__"]
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)} | getattr(value, "__dict__", {})
    return {name: item for name, item in found.items() if name not in _NOT_ARGUMENTS}


def _without_positions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_positions(item) for key, item in value.items() if key not in ("file", "line")}
    return [_without_positions(item) for item in value] if isinstance(value, (list, tuple)) else value
