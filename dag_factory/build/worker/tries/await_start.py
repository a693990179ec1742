"""Wait in the worker until a pod starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import urllib3
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodManager
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException

from dag_factory.build.worker.errors import NeverStarted, StartedTooLate
from dag_factory.build.worker.tries.evidence import list_events, list_nodes, read
from dag_factory.build.worker.tries.start_watch import EVENTS_INTERVAL, Limits, StartWatch
from dag_factory.verdicts.evidence.model import Event, Evidence


def await_start(
    manager: PodManager, client: CoreV1Api, pod: Any, limits: Limits, interval: float, log: Callable[[str], None]
) -> None:
    """Return when the pod has started or ended. Write what it waits for to ``log``.

    ``interval`` in seconds, between two looks. Raises ``NeverStarted``, ``StartedTooLate``, and ``ApiException`` if
    the pod is gone.
    """
    watch = StartWatch(limits, time.monotonic())
    events: tuple[Event, ...] = ()
    nodes: tuple[dict[str, str], ...] = ()
    events_read = time.monotonic()
    while True:
        seen = read(manager.read_pod(pod))
        now = time.monotonic()
        if now - events_read >= EVENTS_INTERVAL:
            with suppress(ApiException, urllib3.exceptions.HTTPError):
                events = list_events(client, pod.metadata.namespace, pod.metadata.name)
            events_read = now
        look = watch.look(Evidence(pod=seen, events=events, nodes=nodes), now)
        if look.line:
            log(look.line)
        if look.answer == "started":
            return
        if look.answer == "never":
            raise NeverStarted("the pod waits for something that cannot come by itself")
        if look.answer == "too late":
            raise StartedTooLate(look.seconds)
        if look.needs_nodes:
            nodes = list_nodes(client)
        time.sleep(interval)
