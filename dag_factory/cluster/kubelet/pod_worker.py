"""One pod's life on the node: volumes, init containers, containers, the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from typing import TYPE_CHECKING, Any

from ..objects import clock
from ..objects.store import Missing, Object
from ..runtime.engine import Container
from .container_life import ContainerLife
from .pod import recovery
from .pod import status as states
from .pod.status import Slot
from .pod.volumes import VolumeError, Volumes

if TYPE_CHECKING:
    from .kubelet import Kubelet

log = logging.getLogger(__name__)

_IP = "127.0.0.1"  # pods share this machine's network
_RETRY = 1.0  # seconds between two tries at what waits for an object to appear


class PodWorker:
    """Runs one pod from its binding to its end, writing its status at each change."""

    def __init__(self, kubelet: Kubelet, pod: Object) -> None:
        self.kubelet = kubelet
        self.key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.uid = pod["metadata"]["uid"]
        self.pod = pod
        spec = pod["spec"]
        first = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        self.slots = [
            *(Slot(c, True, states.waiting("PodInitializing")) for c in spec.get("initContainers") or []),
            *(Slot(c, False, states.waiting(first)) for c in spec["containers"]),
        ]
        recovery.resume(self.slots, pod["status"])
        self.folder = kubelet.pod_folder(self.uid)
        self.volumes = Volumes(
            pod,
            self.folder / "volumes",
            kubelet.claims / self.key[0],
            kubelet.memory / self.uid,
            self.find,
            kubelet.node_size,
        )
        self.lives = {slot.name: ContainerLife(self, slot) for slot in self.slots}
        self.started_at = pod["status"].get("startTime") or clock.now()
        self.sandbox = False
        self.over = False
        self.reason = self.message = ""
        self.disrupted = ""  # the reason of a DisruptionTarget condition
        self._abandoned = False
        self._stop = asyncio.Event()
        self._kill_at: float | None = None
        self._grace_changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    # What the kubelet and the API call

    def stop(self, grace: float, reason: str = "", message: str = "", disrupted: str = "") -> None:
        """End the pod: its containers get TERM and ``grace`` seconds. A second call can only shorten them."""
        kill_at = time.monotonic() + grace
        if self._kill_at is None or kill_at < self._kill_at:
            self._kill_at = kill_at
            self._grace_changed.set()
        if not self._stop.is_set():
            self.reason, self.message, self.disrupted = reason, message, disrupted
            self._stop.set()

    def abandon(self) -> None:
        """End the pod's processes and say nothing of it: the node is gone, with its kubelet."""
        self._abandoned = True
        self.stop(0)

    async def wait(self) -> None:
        await asyncio.shield(self._task)

    def running(self, name: str) -> Container | None:
        """The container of this name while it runs."""
        life = self.lives.get(name)
        return life.container if life else None

    # What its containers call

    def find(self, resource: str, name: str) -> Object | None:
        return self.kubelet.store.find(resource, self.key[0], name)

    def grace_left(self) -> float:
        """Seconds until the containers are killed, from now on counted down."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        return self._kill_at - time.monotonic()

    def more_grace(self, seconds: float) -> None:
        self._kill_at = max(self._kill_at or 0, time.monotonic() + seconds)

    async def grace_changed(self) -> None:
        self._grace_changed.clear()
        await self._grace_changed.wait()

    def container_ended(self) -> None:
        """Publish it, but for the last one of a pod that was told to stop: that one's end is the pod's."""
        if not self._stop.is_set() or any(life.container for life in self.lives.values()):
            self.publish()

    def event(self, kind: str, reason: str, message: str, slot: Slot | None = None) -> None:
        if not self._abandoned:
            self.kubelet.recorder.kubelet(self.pod, kind, reason, message, slot.events_field if slot else "")

    def publish(self) -> None:
        """Write the status, onto the object as it is now: its labels may have changed meanwhile."""
        self.kubelet.wake(self.uid)
        if self._abandoned:
            return
        try:
            current = self.kubelet.store.get("pods", *self.key)
        except Missing:
            return
        if current["metadata"]["uid"] != self.uid:
            return
        status: dict[str, Any] = states.build(
            current,
            self.slots,
            started_at=self.started_at,
            sandbox=self.sandbox,
            over=self.over,
            ip=_IP,
            reason=self.reason,
            message=self.message,
            disrupted=self.disrupted,
        )
        if status != current["status"]:
            self.pod = self.kubelet.store.update("pods", {**current, "status": status})

    # The life

    async def _run(self) -> None:
        life = asyncio.ensure_future(self._live())
        stop = asyncio.ensure_future(self._stop.wait())
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        timer = None
        if deadline:
            left = deadline - (time.time() - clock.parse(self.started_at))
            timer = asyncio.get_running_loop().call_later(max(0.0, min(left + 1, deadline)), self._deadline)
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
            if timer:
                timer.cancel()
            self.over = True
            self.publish()
            await self._clean_up()
            self.kubelet.ended(self)

    def _deadline(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self.event("Normal", "DeadlineExceeded", message)
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        self.stop(grace, "DeadlineExceeded", message)

    async def _live(self) -> None:
        self.publish()
        await self._set_up_volumes()
        self.sandbox = True
        running: list[asyncio.Task[None]] = []
        try:
            for slot in self.slots:
                if slot.sidecar:
                    running.append(asyncio.ensure_future(self.lives[slot.name].run()))
                    await self._until(lambda slot=slot: slot.started)
                elif slot.init:
                    await self.lives[slot.name].run()
                    if slot.exit_code != 0:
                        return
            waits = states.waiting("PodInitializing" if any(s.init for s in self.slots) else "ContainerCreating")
            for slot in self.slots:
                if not slot.init and "waiting" in slot.state:
                    slot.state = waits
            main = []
            for slot in self.slots:
                if not slot.init:
                    main.append(asyncio.ensure_future(self.lives[slot.name].run()))
                    running.append(main[-1])
                    # As a kubelet does, start one after another; one that can't start holds up no other.
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

    async def _until(self, true: Any) -> None:
        """Until a change of this pod's containers makes it true."""
        while not true():
            await self.kubelet.changed(self.uid).wait()

    # The end

    async def _end_containers(self) -> None:
        """TERM to every container at once, KILL when the grace is over; sidecars after the others."""
        for group in ([s for s in self.slots if not s.sidecar], [s for s in reversed(self.slots) if s.sidecar]):
            await asyncio.gather(*(self.lives[slot.name].end() for slot in group))

    async def _clean_up(self) -> None:
        for life in self.lives.values():
            life.close_log()
        self.kubelet.engine.forget(self.uid)
        await asyncio.get_running_loop().run_in_executor(None, self._remove_files)

    def _remove_files(self) -> None:
        self.volumes.tear_down()
        shutil.rmtree(self.folder, ignore_errors=True)
