"""Keys that a job must have, on the final pod: what ``pod:`` removes is missing."""

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
"""The keys that a pod shows, with their places in it."""

_FACTORY = "dagwright/"
_AIRFLOW = frozenset(
    "dag_id task_id run_id map_index try_number kubernetes_pod_operator airflow_version airflow_kpo_in_cluster".split()
)


def breaches(pod: Fragment, guards: Guards) -> Iterator[Breach]:
    """A breach for each required key that the pod does not have."""
    for rule in guards.require:
        for key in rule.words:
            if key in POD_PATHS and not pod_has(pod, key):
                message = f"`{key}` is missing in the job's pod, which {rule.by} asks for"
                hint = f"add `{key}:` to the job, and do not remove it in `pod`; see {rule.place}"
                yield Breach("required-key", message, hint, POD_PATHS[key])


def pod_has(pod: Fragment, key: str) -> bool:
    """Whether a pod has a value for a key of ``OF_POD``; labels of the factory and of Airflow do not count."""
    found: Any = pod
    for step in POD_PATHS[key]:
        if isinstance(step, int):  # the only list on the way
            step, found = BASE, {one["name"]: one for one in found or ()}
        found = (found or {}).get(step)
    if key == "labels":
        return any(not name.startswith(_FACTORY) and name not in _AIRFLOW for name in found or ())
    return bool(found)
