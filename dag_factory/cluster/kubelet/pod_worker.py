"""One pod's life on the node: volumes, init containers, containers, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..objects import clock
from ..objects.store import Missing, Object
from ..runtime.engine import Container, ContainerSpec, Engine, Exit, PulledImage
from .container_life import ContainerLife
from .logs import ContainerLog
from .node_context import NodeContext
from .pod import fields, recovery, status
from .pod import slot as states
from .pod.container_spec import container_spec
from .pod.slot import Slot
from .pod.volumes import VolumeError, Volumes

log = logging.getLogger(__name__)

_RETRY = 1.0  # seconds between two attempts while an object is missing


class PodWorker:
    """Runs one pod from its binding to its end. Writes the pod's status at each change.

    ``on_start`` is called with the worker and a container's name when the container runs, ``on_end`` when the pod is
    over.
    """

    def __init__(
        self,
        node: NodeContext,
        pod: Object,
        on_start: Callable[[PodWorker, str], None],
        on_end: Callable[[PodWorker], None],
    ) -> None:
        self.node = node
        self.key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.uid = pod["metadata"]["uid"]
        self.pod = pod
        self._on_start = on_start
        self._on_end = on_end
        spec = pod["spec"]
        first = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        self.slots = [
            *(Slot(c, True, states.waiting("PodInitializing")) for c in spec.get("initContainers") or []),
            *(Slot(c, False, states.waiting(first)) for c in spec["containers"]),
        ]
        recovery.resume(self.slots, pod["status"])
        self.volumes = Volumes(
            pod,
            self.folder / "volumes",
            node.folders,
            self._find,
            node.facts.size,
            strict=node.strict_volumes,
        )
        self._lives = {slot.name: ContainerLife(self, slot) for slot in self.slots}
        self.started_at = pod["status"].get("startTime") or clock.now()
        self.sandbox = False
        self.over = False
        self.reason = self.message = ""
        self.disrupted = ""  # the reason of a DisruptionTarget condition
        self._abandoned = False
        self._deadline: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stop = asyncio.Event()
        self._kill_at: float | None = None
        self._grace_changed = asyncio.Event()
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    # Called by the kubelet and the API

    def stop(self, grace: float, reason: str = "", message: str = "", disrupted: str = "") -> None:
        """End the pod: TERM, and KILL after ``grace`` seconds. A second call can only shorten the grace period."""
        kill_at = time.monotonic() + grace
        if self._kill_at is None or kill_at < self._kill_at:
            self._kill_at = kill_at
            self._grace_changed.set()
        if not self._stop.is_set():
            self.reason, self.message, self.disrupted = reason, message, disrupted
            self._stop.set()

    def abandon(self) -> None:
        """End the pod's processes and report nothing: the node is lost, with its kubelet."""
        self._abandoned = True
        self.stop(0)

    def set_deadline(self, seconds: int | None) -> None:
        """End the pod this long after its start. A client may change ``activeDeadlineSeconds`` while the pod runs."""
        if seconds == self._deadline:
            return
        self._deadline = seconds
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if seconds and not self.over:
            left = seconds - (time.time() - clock.parse(self.started_at))
            self._timer = asyncio.get_running_loop().call_later(max(0.0, min(left + 1, seconds)), self._exceed_deadline)

    async def wait(self) -> None:
        await asyncio.shield(self._task)

    def running(self, name: str) -> Container | None:
        """The container of this name while it runs."""
        life = self._lives.get(name)
        return life.container if life else None

    def container_log(self, name: str) -> ContainerLog | None:
        """The log of the container's latest run, if it has started."""
        life = self._lives.get(name)
        return life.log if life else None

    async def written_bytes(self) -> dict[str, int]:
        """The bytes that each running container has written to its root file system, by the container's name."""
        found = {name: await life.container.written_bytes() for name, life in self._lives.items() if life.container}
        return {name: size for name, size in found.items() if size is not None}

    async def kill_container(self, name: str, exit: Exit) -> None:
        """Kill a running container and report this exit."""
        await self._lives[name].kill_as(exit)

    # Called by the containers (see ContainerHost)

    @property
    def folder(self) -> Path:
        return self.node.folders.pods / str(self.uid)

    @property
    def engine(self) -> Engine:
        return self.node.engine

    def container_spec(self, slot: Slot, folder: Path, image: PulledImage) -> ContainerSpec:
        return container_spec(self.pod, slot, folder, self.volumes, image, self._find, self.node.facts)

    def log_path(self, slot: Slot) -> Path:
        return self.node.folders.log(self.key, self.uid, slot.name, slot.restarts)

    def grace_left(self) -> float:
        """Seconds until the containers are killed. The first call starts the countdown if ``stop`` did not."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        return self._kill_at - time.monotonic()

    def extend_grace(self, seconds: float) -> None:
        self._kill_at = max(self._kill_at or 0, time.monotonic() + seconds)

    async def grace_changed(self) -> None:
        self._grace_changed.clear()
        await self._grace_changed.wait()

    def container_started(self, slot: Slot) -> None:
        self._on_start(self, slot.name)

    def container_ended(self) -> None:
        """Publish the status, except for the last container of a pod that is being stopped: the pod's end follows."""
        if not self._stop.is_set() or any(life.container for life in self._lives.values()):
            self.publish()

    def event(self, kind: str, reason: str, message: str, slot: Slot | None = None) -> None:
        if not self._abandoned:
            self.node.recorder.kubelet_event(self.pod, kind, reason, message, slot.event_field if slot else "")

    def publish(self) -> None:
        """Write the status to the current object, whose labels may have changed since the pod was bound."""
        self._wake()
        if self._abandoned:
            return
        try:
            current = self.node.store.get("pods", *self.key)
        except Missing:
            return
        if current["metadata"]["uid"] != self.uid:
            return
        body: dict[str, Any] = status.build_status(
            current,
            self.slots,
            started_at=self.started_at,
            sandbox=self.sandbox,
            over=self.over,
            ip=self.node.facts.ip,
            reason=self.reason,
            message=self.message,
            disrupted=self.disrupted,
        )
        if body != current["status"]:
            self.pod = self.node.store.update("pods", {**current, "status": body})

    # The pod's life

    async def _run(self) -> None:
        life = asyncio.ensure_future(self._live())
        stop = asyncio.ensure_future(self._stop.wait())
        self.set_deadline(self.pod["spec"].get("activeDeadlineSeconds"))
        try:
            await asyncio.wait({life, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not life.done():
                life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
            await self._end_containers()
        except Exception:
            log.exception("pod %s/%s: the kubelet failed", *self.key)
            self.reason, self.message = self.reason or "KubeletError", "the local cluster failed; see its log"
            await self._end_containers()
        finally:
            stop.cancel()
            self.over = True
            self.set_deadline(None)
            self.publish()
            await self._clean_up()
            self._on_end(self)

    def _exceed_deadline(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self.event("Normal", "DeadlineExceeded", message)
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        self.stop(grace, "DeadlineExceeded", message)

    async def _live(self) -> None:
        self.publish()
        ignored = fields.ignored_fields(self.pod["spec"], self.engine.isolation)
        if ignored:
            self.event("Normal", "FieldsIgnored", fields.describe(ignored))
        await self._set_up_volumes()
        self.sandbox = True
        running: list[asyncio.Task[None]] = []
        try:
            for slot in self.slots:
                if slot.sidecar:
                    running.append(asyncio.ensure_future(self._lives[slot.name].run()))
                    await self._until(lambda slot=slot: slot.started)
                elif slot.init:
                    await self._lives[slot.name].run()
                    if slot.exit_code != 0:
                        return
            waits = states.waiting("PodInitializing" if any(s.init for s in self.slots) else "ContainerCreating")
            for slot in self.slots:
                if not slot.init and "waiting" in slot.state:
                    slot.state = waits
            main = []
            for slot in self.slots:
                if not slot.init:
                    main.append(asyncio.ensure_future(self._lives[slot.name].run()))
                    running.append(main[-1])
                    # Containers start one after another, as in a kubelet. One that can't start does not block others.
                    tried = asyncio.ensure_future(self._until(lambda slot=slot: slot.state != waits))
                    running.append(tried)
                    await asyncio.wait({main[-1], tried}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*main)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _set_up_volumes(self) -> None:
        while True:
            try:
                self.volumes.set_up()
                return
            except VolumeError as error:
                message = f'MountVolume.SetUp failed for volume "{error.volume}" : {error}'
                self.event("Warning", "FailedMount", message)
                await asyncio.sleep(_RETRY)

    async def _until(self, condition: Any) -> None:
        """Wait until a change of this pod's containers makes the condition true."""
        while not condition():
            await self._changed.wait()

    def _wake(self) -> None:
        """Wake everything that waits for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _find(self, resource: str, name: str) -> Object | None:
        """An object in the pod's namespace."""
        return self.node.store.find(resource, self.key[0], name)

    # The pod's end

    async def _end_containers(self) -> None:
        """TERM to every container at once, KILL when the grace period is over. Sidecars end after the others."""
        for group in ([s for s in self.slots if not s.sidecar], [s for s in reversed(self.slots) if s.sidecar]):
            await asyncio.gather(*(self._lives[slot.name].end() for slot in group))

    async def _clean_up(self) -> None:
        for life in self._lives.values():
            life.close_log()
        self.engine.forget(self.uid)
        await asyncio.get_running_loop().run_in_executor(None, self._remove_files)

    def _remove_files(self) -> None:
        self.volumes.tear_down()
        shutil.rmtree(self.folder, ignore_errors=True)
