"""A recording of all pods of a cluster, from a watch that survives restarts of the cluster."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

TaskKey = tuple[str, str, str, str]
"""The labels dag_id, run_id, task_id and map_index of a pod."""


@dataclass
class Recording:
    """What the watch saw.

    ``tries``: the names of the pods of each task by the number of their try. ``together``: the pods of one task whose
    containers ran at the same time. ``active``: the pods that have not ended and are not deleted. ``flavors``: the
    flavors of the tries of each DAG, from the labels of the pods.
    """

    tries: dict[TaskKey, dict[int, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    together: set[frozenset[str]] = field(default_factory=set)
    active: dict[str, TaskKey] = field(default_factory=dict)
    flavors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _running: dict[TaskKey, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, kind: str, pod: dict[str, Any]) -> None:
        """Record one event of the watch. The cluster sends the events of all pods in their order."""
        labels, name = pod["metadata"]["labels"], pod["metadata"]["name"]
        key = (labels["dag_id"], labels["run_id"], labels["task_id"], labels.get("map_index", ""))
        self.flavors[key[0]].add(labels.get("dagwright/try-flavor", ""))
        pods = self.tries[key][int(labels["try_number"])]
        if name not in pods:
            pods.append(name)
        ended = kind == "DELETED" or pod["status"]["phase"] in ("Succeeded", "Failed")
        running = not ended and any(
            one["name"] == "base" and "running" in one["state"] for one in pod["status"].get("containerStatuses", ())
        )
        (self._running[key].add if running else self._running[key].discard)(name)
        if len(self._running[key]) > 1:
            self.together.add(frozenset(self._running[key]))
        if ended:
            self.active.pop(name, None)
        else:
            self.active[name] = key

    def missing(self, names: set[str]) -> None:
        """Record that only these pods exist."""
        for name in set(self.active) - names:
            self._running[self.active.pop(name)].discard(name)


@contextmanager
def recording(kubeconfig: Path) -> Iterator[Recording]:
    """Record all pods of jobs until the end of the block."""
    found, stop = Recording(), threading.Event()
    settings = client.Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=settings)
    settings.retries = False  # type: ignore[assignment]
    api = client.CoreV1Api(client.ApiClient(settings))
    selector = {"label_selector": "dagwright/pipeline"}

    def follow() -> None:
        while not stop.is_set():
            try:
                pods = api.list_pod_for_all_namespaces(**selector)
                found.missing({pod.metadata.name for pod in pods.items})
                for pod in pods.items:
                    found.add("ADDED", api.api_client.sanitize_for_serialization(pod))
                version = pods.metadata.resource_version
                while not stop.is_set():
                    events = watch.Watch().stream(
                        api.list_pod_for_all_namespaces, resource_version=version, timeout_seconds=2, **selector
                    )
                    for event in events:
                        version = event["raw_object"]["metadata"]["resourceVersion"]
                        found.add(event["type"], event["raw_object"])
            except (ApiException, urllib3.exceptions.HTTPError):
                stop.wait(0.2)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(30)
