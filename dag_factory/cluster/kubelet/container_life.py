"""One container's life in a pod: image, start, probes, hooks, its end, and again as the restart policy says."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..objects import clock
from ..runtime.engine import Container, Exit, StartError
from . import handlers, image_pull, logs
from .formatting import BACK_OFF, duration
from .pod import environment
from .pod import status as states
from .pod.container_spec import container_spec, termination_log
from .pod.status import Slot
from .probes import Probes

if TYPE_CHECKING:
    from .pod_worker import PodWorker

_RETRY = 1.0  # seconds between two tries at what waits for an object to appear
_MESSAGE_SIZE = 4096  # bytes of a termination message
_CALM = 600.0  # seconds of running after which a back-off starts over
_LAST_GRACE = 2.0  # seconds that a container gets if its preStop hook took all there was


class ContainerLife:
    def __init__(self, worker: PodWorker, slot: Slot) -> None:
        self.worker = worker
        self.slot = slot
        self.container: Container | None = None
        self.log: logs.ContainerLog | None = None
        self.folder = worker.folder / "containers" / slot.name
        self._forced: Exit | None = None
        self._probes: Probes | None = None
        self._killing: asyncio.Task[None] | None = None
        self._ended = False

    async def run(self) -> None:
        """Run it, and again as the restart policy says."""
        slot = self.slot
        policy = "Always" if slot.sidecar else self.worker.pod["spec"].get("restartPolicy", "Always")
        if slot.init and not slot.sidecar and policy == "Always":
            policy = "OnFailure"
        back_off = 0.0
        while True:
            started = time.monotonic()
            container = await self._start()
            if container is not None:
                exit = await container.wait()
                await self._finished(exit)
            code = slot.exit_code
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            if time.monotonic() - started > _CALM:
                back_off = 0.0
            ended = slot.state
            if back_off:
                await self._crash_loop(back_off, ended)
            slot.last = ended
            slot.restarts += 1
            back_off = min(back_off * 2, BACK_OFF[1]) or BACK_OFF[0]

    async def end(self) -> None:
        """The pod ends: preStop, TERM, and KILL when the pod's grace is over."""
        container = self.container
        if container is None:
            return
        self._stop_probes()
        self.event("Normal", "Killing", f"Stopping container {self.slot.name}")
        if self.worker.reason:
            self.worker.publish()
        ended = asyncio.ensure_future(container.wait())
        if self.worker.grace_left() > 0:
            await self._pre_stop(ended)
            await container.signal(signal.SIGTERM)
        while not ended.done() and (left := self.worker.grace_left()) > 0:
            changed = asyncio.ensure_future(self.worker.grace_changed())
            await asyncio.wait({ended, changed}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        if not ended.done():
            await container.signal(signal.SIGKILL)
        await self._finished(await ended)

    async def kill_as(self, exit: Exit) -> None:
        """End it at once, as if it had ended like this: a fault that somebody asked for."""
        if self.container:
            self._forced = exit
            await self.container.signal(signal.SIGKILL)

    def close_log(self) -> None:
        if self.log:
            self.log.close()

    # What others hear

    def event(self, kind: str, reason: str, message: str) -> None:
        self.worker.event(kind, reason, message, self.slot)

    def wait_with(self, reason: str, message: str) -> None:
        self.slot.state = states.waiting(reason, message)
        self.worker.publish()

    # The start

    async def _start(self) -> Container | None:
        """Pull and start, waiting for what is not there yet. None: it ended before it began (StartError)."""
        slot, worker = self.slot, self.worker
        engine = worker.kubelet.engine
        while True:
            policy = slot.spec.get("imagePullPolicy", "IfNotPresent")
            image = await image_pull.pull(engine, slot.spec["image"], policy, self)
            try:
                spec = container_spec(
                    worker.pod, slot, self.folder, worker.volumes, worker.find, worker.kubelet.node_size
                )
                break
            except environment.ConfigError as error:
                self.event("Warning", "Failed", f"Error: {error}")
                self.wait_with("CreateContainerConfigError", str(error))
                await asyncio.sleep(_RETRY)
        slot.container_id = f"{engine.name}://{spec.id}"
        slot.created = True
        slot.image, slot.image_id = image.name, image.id
        self._ended, self._forced = False, None
        path = worker.kubelet.log_path(worker.key, worker.uid, slot.name, slot.restarts)
        run_log = self.log = logs.ContainerLog(path)
        self.event("Normal", "Created", f"Created container: {slot.name}")
        while True:
            try:
                container = await engine.start(spec, run_log.write)
                break
            except StartError as error:
                self.event("Warning", "Failed", f"Error: {error.message}")
                if error.reason == "StartError":
                    run_log.close()
                    slot.state = states.terminated(Exit(128), "", slot.container_id, error.message, "StartError")
                    worker.publish()
                    return None
                self.wait_with(error.reason, error.message)
                await asyncio.sleep(BACK_OFF[0])
        self.container = container
        slot.container_id = f"{engine.name}://{container.id}"
        self.event("Normal", "Started", f"Started container {slot.name}")
        await self._post_start(container)
        slot.state = {"running": {"startedAt": clock.now()}}
        self._probes = Probes(slot, container, self.event, worker.publish, self._restart)
        self._probes.begin()
        worker.publish()
        worker.kubelet.faults.started(worker, slot.name)
        return container

    # Hooks and probes

    async def _post_start(self, container: Container) -> None:
        """A container is not running for anybody before its hook is done; one that fails ends it."""
        hook = (self.slot.spec.get("lifecycle") or {}).get("postStart")
        if not hook:
            return
        done = asyncio.ensure_future(handlers.handle(hook, container, self.slot.spec, None))
        ended = asyncio.ensure_future(container.wait())
        both: set[asyncio.Future[Any]] = {done, ended}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if done.done() and done.exception():
                self.event("Warning", "FailedPostStartHook", "PostStartHook failed")
                self.event("Normal", "Killing", "FailedPostStartHook")
                await container.signal(signal.SIGKILL)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _pre_stop(self, ended: asyncio.Future[Exit]) -> None:
        """Within the grace of the pod; after it there are two seconds more, as a kubelet gives them."""
        hook = (self.slot.spec.get("lifecycle") or {}).get("preStop")
        container = self.container
        if not hook or container is None:
            return
        done = asyncio.ensure_future(handlers.handle(hook, container, self.slot.spec, None))
        both: set[asyncio.Future[Any]] = {done, ended}
        await asyncio.wait(both, timeout=self.worker.grace_left(), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            done.cancel()
            await asyncio.gather(done, return_exceptions=True)
            if not ended.done():
                self.event("Warning", "FailedPreStopHook", "PreStopHook failed")
                self.worker.more_grace(_LAST_GRACE)
        elif done.exception():
            self.event("Warning", "FailedPreStopHook", "PreStopHook failed")

    def _restart(self, why: str, grace: float | None) -> None:
        """A probe has given the container up: it gets its grace to end, and then the restart policy says what next."""
        self.event("Normal", "Killing", why)
        seconds = grace if grace is not None else self.worker.pod["spec"].get("terminationGracePeriodSeconds", 30)
        self._killing = asyncio.ensure_future(self._kill(float(seconds)))

    async def _kill(self, grace: float) -> None:
        container = self.container
        if container is None:
            return
        ended = asyncio.ensure_future(container.wait())
        self._stop_probes()
        await container.signal(signal.SIGTERM)
        if not (await asyncio.wait({ended}, timeout=grace))[0]:
            await container.signal(signal.SIGKILL)

    def _stop_probes(self) -> None:
        if self._probes:
            self._probes.end()

    # The end of one run

    async def _finished(self, exit: Exit) -> None:
        if self._ended:
            return
        self._ended = True
        slot, container = self.slot, self.container
        self._stop_probes()
        exit = self._forced or exit
        assert self.log is not None
        self.log.close()
        self.container = None
        started = slot.state.get("running", {}).get("startedAt", "")
        message = self._last_word(exit, self.log.path)
        slot.state = states.terminated(exit, started, slot.container_id, message)
        slot.started = False
        slot.ready = slot.init and not slot.sidecar and exit.code == 0
        # Before anything is awaited: who follows the log sees its end, and asks at once how the container ended.
        self.worker.container_ended()
        if container:
            with contextlib.suppress(OSError):
                await container.remove()

    def _last_word(self, exit: Exit, path: Path) -> str:
        try:
            text = termination_log(self.folder).read_bytes()[:_MESSAGE_SIZE]
        except OSError:
            text = b""
        if text or exit.code == 0 or self.slot.spec.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return text.decode(errors="replace")
        return logs.last_lines(path, 80, 2048)

    async def _crash_loop(self, back_off: float, ended: states.State) -> None:
        slot, meta = self.slot, self.worker.pod["metadata"]
        where = f"{meta['name']}_{meta['namespace']}({self.worker.uid})"
        text = f"back-off {duration(back_off)} restarting failed container={slot.name} pod={where}"
        slot.state, slot.last = states.waiting("CrashLoopBackOff", text), ended
        self.event("Warning", "BackOff", f"Back-off restarting failed container {slot.name} in pod {where}")
        self.worker.publish()
        await asyncio.sleep(back_off)
