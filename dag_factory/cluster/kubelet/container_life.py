"""One container's life in a pod: image pull, start, probes, hooks, end, and restarts by the restart policy."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path

from ..objects import clock
from ..runtime.engine import Container, ContainerSpec, Exit, StartError
from . import hooks, image_pull, logs
from .container_host import ContainerHost
from .formatting import BACK_OFF, format_duration
from .pod import slot as states
from .pod.container_spec import termination_log
from .pod.environment import ConfigError
from .pod.slot import Slot
from .probes import Probes

_RETRY = 1.0  # seconds between two attempts while an object is missing
_MESSAGE_SIZE = 4096  # bytes of a termination message
_BACK_OFF_RESET = 600.0  # seconds of running after which the back-off starts over
_LAST_GRACE = 2.0  # seconds that a container gets if its preStop hook used up the grace period


class ContainerLife:
    def __init__(self, host: ContainerHost, slot: Slot) -> None:
        self.host = host
        self.slot = slot
        self.container: Container | None = None
        self.log: logs.ContainerLog | None = None
        self.folder = host.folder / "containers" / slot.name
        self._forced: Exit | None = None
        self._probes: Probes | None = None
        self._killing: asyncio.Task[None] | None = None
        self._ended = False

    async def run(self) -> None:
        """Run the container, and restart it as the restart policy says."""
        slot = self.slot
        policy = slot.restart_policy(self.host.pod["spec"].get("restartPolicy", "Always"))
        back_off = 0.0
        while True:
            started = time.monotonic()
            container = await self._start()
            if container is not None:
                exit = await container.wait()
                await self._finish(exit)
            code = slot.exit_code
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            if time.monotonic() - started > _BACK_OFF_RESET:
                back_off = 0.0
            ended = slot.state
            if back_off:
                await self._crash_loop(back_off, ended)
            slot.last = ended
            slot.restarts += 1
            back_off = min(back_off * 2, BACK_OFF[1]) or BACK_OFF[0]

    async def end(self) -> None:
        """End the container with its pod: preStop, TERM, and KILL when the pod's grace period is over."""
        container = self.container
        if container is None:
            return
        self._stop_probes()
        self.event("Normal", "Killing", f"Stopping container {self.slot.name}")
        if self.host.reason:
            self.host.publish()
        ended = asyncio.ensure_future(container.wait())
        grace = self.host.grace_left()
        if grace > 0:
            if await hooks.pre_stop(container, self.slot.spec, self.event, ended, grace):
                self.host.extend_grace(_LAST_GRACE)
            await container.signal(signal.SIGTERM)
        while not ended.done() and (left := self.host.grace_left()) > 0:
            changed = asyncio.ensure_future(self.host.grace_changed())
            await asyncio.wait({ended, changed}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        if not ended.done():
            await container.signal(signal.SIGKILL)
        await self._finish(await ended)

    async def kill_as(self, exit: Exit) -> None:
        """Kill the container at once and report this exit instead of its own: a simulated fault."""
        if self.container:
            self._forced = exit
            await self.container.signal(signal.SIGKILL)

    def close_log(self) -> None:
        if self.log:
            self.log.close()

    # Reports

    def event(self, kind: str, reason: str, message: str) -> None:
        self.host.event(kind, reason, message, self.slot)

    def wait_with(self, reason: str, message: str) -> None:
        """Report the container as waiting for this reason."""
        self.slot.state = states.waiting(reason, message)
        self.host.publish()

    # Start

    async def _start(self) -> Container | None:
        """Pull the image and start the container. Retry while something is missing. None: StartError."""
        slot, host = self.slot, self.host
        engine = host.engine
        spec = await self._prepare()
        slot.container_id = f"{engine.name}://{spec.id}"
        slot.created = True
        self._ended, self._forced = False, None
        run_log = self.log = logs.ContainerLog(host.log_path(slot))
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
                    host.publish()
                    return None
                self.wait_with(error.reason, error.message)
                await asyncio.sleep(BACK_OFF[0])
        self.container = container
        slot.container_id = f"{engine.name}://{container.id}"
        self.event("Normal", "Started", f"Started container {slot.name}")
        await hooks.post_start(container, slot.spec, self.event)  # the container counts as running after its hook
        slot.state = {"running": {"startedAt": clock.now()}}
        self._probes = Probes(slot, container, self.event, host.publish, self._restart)
        self._probes.begin()
        host.publish()
        host.container_started(slot)
        return container

    async def _prepare(self) -> ContainerSpec:
        """Pull the image and resolve the spec. Retry until every object that the spec refers to exists."""
        slot = self.slot
        while True:
            policy = slot.spec.get("imagePullPolicy", "IfNotPresent")
            image = await image_pull.pull(self.host.engine, slot.spec["image"], policy, self)
            try:
                spec = self.host.container_spec(slot, self.folder, image)
            except ConfigError as error:
                self.event("Warning", "Failed", f"Error: {error}")
                self.wait_with("CreateContainerConfigError", str(error))
                await asyncio.sleep(_RETRY)
                continue
            slot.image, slot.image_id = image.name, image.id
            return spec

    # Failed probes

    def _restart(self, message: str, grace: float | None) -> None:
        """End the container because a probe failed. The restart policy decides what follows."""
        self.event("Normal", "Killing", message)
        seconds = grace if grace is not None else self.host.pod["spec"].get("terminationGracePeriodSeconds", 30)
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

    async def _finish(self, exit: Exit) -> None:
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
        message = self._termination_message(exit, self.log.path)
        slot.state = states.terminated(exit, started, slot.container_id, message)
        slot.started = False
        slot.ready = slot.init and not slot.sidecar and exit.code == 0
        # Publish before anything is awaited: a client that follows the log sees its end and then reads the status.
        self.host.container_ended()
        if container:
            with contextlib.suppress(OSError):
                await container.remove()

    def _termination_message(self, exit: Exit, log_path: Path) -> str:
        try:
            text = termination_log(self.folder).read_bytes()[:_MESSAGE_SIZE]
        except OSError:
            text = b""
        if text or exit.code == 0 or self.slot.spec.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return text.decode(errors="replace")
        return logs.last_lines(log_path, 80, 2048)

    async def _crash_loop(self, back_off: float, ended: states.State) -> None:
        slot, meta = self.slot, self.host.pod["metadata"]
        pod = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        text = f"back-off {format_duration(back_off)} restarting failed container={slot.name} pod={pod}"
        slot.state, slot.last = states.waiting("CrashLoopBackOff", text), ended
        self.event("Warning", "BackOff", f"Back-off restarting failed container {slot.name} in pod {pod}")
        self.host.publish()
        await asyncio.sleep(back_off)
