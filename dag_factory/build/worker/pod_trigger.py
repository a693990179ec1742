"""The trigger of deferred jobs. Airflow stores this path with each deferred task, so the class must never move.

``KubernetesPodTrigger`` (provider 10.25) does not say why a pod waits, waits for what cannot come, and logs an HTTP
response with its headers if the pod is deleted.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger
from airflow.triggers.base import TriggerEvent
from kubernetes_asyncio.client import CoreV1Api

from dag_factory.build.pod.client_objects import to_fragment
from dag_factory.build.worker.tries.evidence import read
from dag_factory.build.worker.tries.start_watch import EVENTS_INTERVAL, FAIL_WAITING_AFTER, Limits, Look, StartWatch
from dag_factory.verdicts.evidence.model import Event, Evidence
from dag_factory.verdicts.evidence.read_objects import read_events, read_nodes

HANDOVER = 6
"""Seconds after the deferral before which no event is sent. Until then the scheduler may not know yet that the process
that deferred has ended, and would take the resumed task for killed (Airflow 3.3)."""

PATH = "dag_factory.build.worker.pod_trigger.PodTrigger"

GONE = "gone"
"""The status of an event: the pod does not exist any more. ``success`` and ``failed`` are the provider's."""
NEVER = "never started"
TOO_LATE = "started too late"
TIMEOUT = "timeout"
ERROR = "error"


class PodTrigger(KubernetesPodTrigger):
    """Watches the pod of a deferred job until it ends, times out, or will never start."""

    def __init__(self, *, fail_waiting_after: int = FAIL_WAITING_AFTER, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.fail_waiting_after = fail_waiting_after

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the path of the class, and its arguments."""
        return PATH, {**super().serialize()[1], "fail_waiting_after": self.fail_waiting_after}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event that resumes the task."""
        try:
            event = await asyncio.wait_for(self._watch(), self._time_left())
        except Exception as failure:
            event = self._failed(failure)
        await asyncio.sleep(max(0.0, self._began() + HANDOVER - time.time()))
        self._fired_event = True
        names = {"name": self.pod_name, "namespace": self.pod_namespace}
        yield TriggerEvent({**names, "last_log_time": self.last_log_time, **self.trigger_kwargs, **event})  # type: ignore[no-untyped-call]

    def _failed(self, failure: Exception) -> dict[str, Any]:
        left = self._time_left()
        if isinstance(failure, (TimeoutError, asyncio.TimeoutError)) and left is not None and left < 1:
            return {"status": TIMEOUT}
        if getattr(failure, "status", None) == 404:
            return {"status": GONE}
        message = next(iter(str(failure).splitlines()), "") or type(failure).__name__
        return {"status": ERROR, "message": message, "stack_trace": traceback.format_exc()}

    def _time_left(self) -> float | None:
        deadline = self.trigger_kwargs.get("_execution_deadline")
        return None if deadline is None else max(0, deadline - time.time())

    async def _watch(self) -> dict[str, Any]:
        look = await self._await_start()
        if look.answer == "never":
            return {"status": NEVER}
        if look.answer == "too late":
            return {"status": TOO_LATE, "seconds": look.seconds}
        return {"status": (await self._wait_for_container_completion()).payload["status"]}

    async def _await_start(self) -> Look:
        watch = StartWatch(Limits(self.schedule_timeout, self.startup_timeout, self.fail_waiting_after), self._began())
        events: tuple[Event, ...] = ()
        nodes: tuple[dict[str, str], ...] = ()
        events_read = time.time()
        while True:
            seen = read(await self._get_pod())
            now = time.time()
            if now - events_read >= EVENTS_INTERVAL:
                events, events_read = await self._events(), now
            look = watch.look(Evidence(pod=seen, events=events, nodes=nodes), now)
            if look.line:
                self.log.info("%s", look.line)
            if look.answer != "wait":
                return look
            if look.needs_nodes:
                nodes = await self._nodes()
            await asyncio.sleep(self.startup_check_interval)

    def _began(self) -> float:
        """When the task was deferred: the limits also hold if the triggerer restarts."""
        return min(self.trigger_start_time.timestamp(), time.time())

    async def _events(self) -> tuple[Event, ...]:
        with suppress(Exception):  # the reason of a wait is missing in the log; nothing else depends on it
            return read_events(to_fragment(await self.hook.get_pod_events(self.pod_name, self.pod_namespace)))
        return ()

    async def _nodes(self) -> tuple[dict[str, str], ...]:
        with suppress(Exception):  # Airflow may have no permission to list nodes
            async with self.hook.get_conn() as connection:
                return read_nodes(to_fragment(await CoreV1Api(connection).list_node(limit=1000)))
        return ()
