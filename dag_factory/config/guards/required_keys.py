"""Required keys, checked in the final pod: a value that ``pod:`` removes is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment
from dag_factory.config.pod.final_pod import BASE
from dag_factory.config.positions import KeyPath

POD_PATHS: dict[str, KeyPath] = {
    "labels": ("metadata", "labels"),
    "annotations": ("metadata", "annotations"),
    "service_account": ("spec", "serviceAccountName"),
    "priority_class": ("spec", "priorityClassName"),
    "security_context": ("spec", "containers", 0, "securityContext"),
    "pod_security_context": ("spec", "securityContext"),
}
"""The keys of a job that the final pod contains, with their paths in it."""

_FACTORY_LABELS = "dagwright/"
_AIRFLOW_LABELS = frozenset(
    "dag_id task_id run_id map_index try_number kubernetes_pod_operator airflow_version airflow_kpo_in_cluster".split()
)


def breaches(pod: Fragment, guards: Guards) -> Iterator[Breach]:
    """A breach for each required key that the pod does not have."""
    for rule in guards.require:
        for key in rule.words:
            if key in POD_PATHS and not pod_has(pod, key):
                message = f"`{key}` is missing in the job's pod; {rule.by} requires it"
                hint = f"add `{key}:` to the job, and do not remove it in `pod`; see {rule.location}"
                yield Breach("required-key", message, hint, POD_PATHS[key])


def pod_has(pod: Fragment, key: str) -> bool:
    """Whether a pod has a value for a key of ``POD_PATHS``. Labels of the factory and of Airflow do not count."""
    value: Any = pod
    for step in POD_PATHS[key]:
        if isinstance(step, int):  # the containers are the only list on a path
            step, value = BASE, {container["name"]: container for container in value or ()}
        value = (value or {}).get(step)
    if key == "labels":
        return any(not name.startswith(_FACTORY_LABELS) and name not in _AIRFLOW_LABELS for name in value or ())
    return bool(value)
