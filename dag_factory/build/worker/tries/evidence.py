"""Collect the evidence of a try that failed, while its pod still exists."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import urllib3
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException

from dag_factory.build.pod.client_objects import to_fragment
from dag_factory.build.worker.errors import ContainerFailed, kind_of
from dag_factory.config.model import Job
from dag_factory.config.pod.final_pod import BASE
from dag_factory.verdicts.evidence.model import Container, Event, Evidence, Failure, Pod
from dag_factory.verdicts.evidence.read_failure import read_failure
from dag_factory.verdicts.evidence.read_objects import read_events, read_nodes, read_pod

TIMEOUT = 10
"""Seconds for each request. The process may have received SIGTERM, so it must end soon."""

LAST_LINES = 20
"""Lines of a container's log that explain a failure."""

UNREACHABLE = (ApiException, urllib3.exceptions.HTTPError)


def collect(
    client: CoreV1Api, pod: Any, job: Job | None, failure: BaseException | None, log: Sequence[str] = ()
) -> Evidence:
    """Read the pod and its events. ``pod`` is the pod as the caller knows it.

    Never raises because of the cluster: what cannot be read is missing in the evidence.
    """
    found = without_pod(job, failure, log)
    events: tuple[Event, ...] = ()
    nodes: tuple[dict[str, str], ...] = ()
    now = pod
    name, namespace = pod.metadata.name, pod.metadata.namespace
    with suppress(*UNREACHABLE):
        now = client.read_namespaced_pod(name, namespace, _request_timeout=TIMEOUT)
    seen = read(now)
    with suppress(*UNREACHABLE):
        events = list_events(client, namespace, name, seen.uid if seen else "")
    if seen is not None and seen.phase == "Pending" and not seen.node:
        nodes = list_nodes(client)
    lines = found.log
    if seen is not None and (container := _failed_container(seen)) and (container.role != "base" or not lines):
        lines = _last_lines(client, namespace, name, container.name) or lines
    return msgspec.structs.replace(found, pod=seen, events=events, nodes=nodes, log=lines)


def list_events(client: CoreV1Api, namespace: str, name: str, uid: str = "") -> tuple[Event, ...]:
    """The events of a pod."""
    selector = f"involvedObject.name={name}"
    listed = client.list_namespaced_event(namespace, field_selector=selector, _request_timeout=TIMEOUT)
    return read_events(to_fragment(listed), uid)


def list_nodes(client: CoreV1Api) -> tuple[dict[str, str], ...]:
    """The sizes of the nodes; nothing if Airflow has no permission to list them."""
    with suppress(*UNREACHABLE):
        return read_nodes(to_fragment(client.list_node(limit=1000, _request_timeout=TIMEOUT)))
    return ()


def read(pod: Any) -> Pod | None:
    """The client's pod as evidence."""
    return read_pod(to_fragment(pod), BASE) if pod is not None else None


def failure_of(failure: BaseException | None, seconds: int | None = None) -> Failure | None:
    """The exception that ended a try as data. ``seconds`` is the timeout of the job."""
    if failure is None or isinstance(failure, ContainerFailed):
        return None
    cause = _api_failure(failure) or failure
    return read_failure(
        type(cause).__name__,
        str(cause),
        kind=kind_of(failure),
        code=getattr(cause, "status", None),
        body=getattr(cause, "body", None),
        seconds=getattr(failure, "seconds", seconds),
    )


def without_pod(job: Job | None, failure: BaseException | None, log: Sequence[str] = ()) -> Evidence:
    """The evidence of a try that has no pod."""
    timeout = job.timeout if job else None
    return Evidence(
        failure=failure_of(failure, timeout),
        flavor=job.flavor.name if job else "",
        limits=dict(job.flavor.limits) if job else {},
        timeout=timeout,
        log=tuple(log),
    )


def _failed_container(pod: Pod) -> Container | None:
    """The container whose log says why the pod failed."""
    ended = [one for one in pod.containers if one.end is not None]
    return next((one for one in ended if one.end and one.end.exit_code), ended[0] if ended else None)


def _last_lines(client: CoreV1Api, namespace: str, name: str, container: str) -> tuple[str, ...]:
    with suppress(*UNREACHABLE):
        request: Any = client.read_namespaced_pod_log
        answer = request(  # as text it would be Python's notation of bytes
            name,
            namespace,
            container=container,
            tail_lines=LAST_LINES,
            _request_timeout=TIMEOUT,
            _preload_content=False,
        )
        return tuple(answer.data.decode(errors="replace").splitlines())
    return ()


def _api_failure(failure: BaseException) -> ApiException | None:
    """The API's answer that caused ``failure``."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, ApiException):
            return seen
        seen = seen.__cause__
    return None
