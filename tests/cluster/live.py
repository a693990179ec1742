"""A running cluster for tests: real clients, and waits for conditions instead of sleeps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config, stream, watch

from dag_factory import cluster

T = TypeVar("T")


def until(check: Callable[[], T], seconds: float = 300) -> T:
    """The value of ``check`` once it is true. Fails after ``seconds`` with the last value."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"still {value!r} after {seconds} s"
        time.sleep(0.02)


def pod(name: str, script: str = "true", **spec: Any) -> dict[str, Any]:
    """A pod of one container, ``base``, that runs ``script`` in a shell; ``container`` adds to the container."""
    container = {"name": "base", "image": "alpine:3", "command": ["sh", "-c", script], **spec.pop("container", {})}
    more = spec.pop("more", [])
    meta = {"name": name, "labels": spec.pop("labels", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 2,
            "containers": [container, *more],
            **spec,
        },
    }


@dataclass
class Live:
    handle: cluster.Handle
    raw: client.ApiClient
    api: client.CoreV1Api

    @property
    def token(self) -> str:
        return (self.handle.state / "token").read_text()

    @property
    def engine(self) -> str:
        """``process`` or ``docker``."""
        version: str = self.api.list_node().items[0].status.node_info.container_runtime_version
        return version.partition(":")[0].removeprefix("dagf-")

    def create(self, body: dict[str, Any]) -> str:
        made = self.call("POST", "/api/v1/namespaces/default/pods", body)
        return str(made["metadata"]["name"])

    def get(self, name: str) -> dict[str, Any]:
        return self.call("GET", f"/api/v1/namespaces/default/pods/{name}")

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: Any) -> Any:
        """Send one HTTP request. Raises ApiException with the Status in ``body``."""
        answer = self.raw.rest_client.pool_manager.request(
            method,
            self.handle.server + path,
            headers={
                "Content-Type": kind,
                "Accept": "application/json",
                "Authorization": f"Bearer {self.token}",
            },
            fields=query if method == "GET" else None,
            retries=False,
            body=json.dumps(body).encode() if body is not None else None,
        )
        if answer.status >= 400:
            raise client.ApiException(http_resp=answer)
        return json.loads(answer.data)

    def phase(self, name: str, *wanted: str, seconds: float = 300) -> dict[str, Any]:
        """The pod once its phase is one of ``wanted``."""
        return until(lambda: (p := self.get(name))["status"]["phase"] in wanted and p, seconds)

    def waits_for(self, name: str, reason: str) -> dict[str, Any]:
        """The pod once its first container waits with this reason."""

        def waiting() -> Any:
            found = self.get(name)
            states = found["status"].get("containerStatuses") or [{}]
            return (states[0].get("state", {}).get("waiting") or {}).get("reason") == reason and found

        return until(waiting)

    def run(self, body: dict[str, Any], seconds: float = 300) -> dict[str, Any]:
        """Create a pod and wait until it has finished."""
        return self.phase(self.create(body), "Succeeded", "Failed", seconds=seconds)

    def log(self, name: str, **query: Any) -> str:
        answer = self.api.read_namespaced_pod_log(name, "default", _preload_content=False, **query)
        return str(answer.data.decode())

    def exec(self, name: str, *command: str, **options: Any) -> Any:
        return stream.stream(
            self.api.connect_get_namespaced_pod_exec,
            name,
            "default",
            command=list(command),
            stdout=True,
            stderr=True,
            **{"stdin": False, "tty": False, **options},
        )

    def waits_for_handler(self, name: str, number: int) -> None:
        """Wait until process 1 of the pod handles this signal. Before, the kernel ignores the signal."""

        def handled() -> bool:
            mask = self.exec(name, "sed", "-n", "s/^SigCgt://p", "/proc/1/status")
            return bool(int(mask or "0", 16) >> (number - 1) & 1)

        until(handled)

    def gone(self, name: str) -> None:
        until(lambda: not self.api.list_namespaced_pod("default", field_selector=f"metadata.name={name}").items)

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of each event of the pod, in order."""
        found = self.call("GET", "/api/v1/namespaces/default/events", fieldSelector=f"involvedObject.name={name}")
        return [(event["type"], event["reason"], event["message"]) for event in found["items"]]

    def until_event(self, name: str, reason: str) -> str:
        """The message of the pod's first event with this reason, once there is one."""
        return until(lambda: next((message for _, each, message in self.events(name) if each == reason), ""))

    def watch(self, **query: Any) -> Iterator[dict[str, Any]]:
        yield from watch.Watch().stream(self.api.list_namespaced_pod, "default", **query)


def terminated(found: dict[str, Any], container: str = "base") -> dict[str, Any]:
    """The ``terminated`` state of a container."""
    statuses = [*found["status"].get("initContainerStatuses", []), *found["status"]["containerStatuses"]]
    state: dict[str, Any] = next(s for s in statuses if s["name"] == container)["state"]["terminated"]
    return state


@contextmanager
def running(state: Path, **options: Any) -> Iterator[Live]:
    """A separate cluster that is stopped at the end of the block."""
    handle = cluster.up(cluster.ClusterConfig(state, **options))
    try:
        yield connect(handle)
    finally:
        cluster.down(state)


def connect(handle: cluster.Handle) -> Live:
    raw = config.new_client_from_config(str(handle.kubeconfig))
    return Live(handle, raw, client.CoreV1Api(raw))
