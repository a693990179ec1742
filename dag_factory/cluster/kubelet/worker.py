"""One pod's life on the node: volumes, init containers, containers with their restarts, the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import clock
from ..engine import Container, ContainerSpec, EngineError, Exit, Mount, PulledImage, PullError, StartError
from ..quantity import parse
from ..store import Missing, Object
from . import env as environment
from . import logs
from . import status as states
from .status import Slot
from .volumes import VolumeError, Volumes

if TYPE_CHECKING:
    from .kubelet import Kubelet

log = logging.getLogger(__name__)

_IP = "127.0.0.1"  # pods share this machine's network
_RETRY = 1.0  # seconds between two tries at what waits for an object to appear
_BACK_OFF = (10.0, 300.0)  # seconds, the kubelet's first and longest wait
_MESSAGE_SIZE = 4096


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
        self.containers: dict[str, Container] = {}
        self.logs: dict[str, logs.ContainerLog] = {}
        self.folder = kubelet.pod_folder(self.uid)
        self.volumes = Volumes(
            pod,
            self.folder / "volumes",
            kubelet.claims / self.key[0],
            kubelet.memory / self.uid,
            lambda resource, name: kubelet.store.find(resource, self.key[0], name),
            kubelet.node_size,
        )
        self.started_at = clock.now()
        self.sandbox = False
        self.over = False
        self.reason = self.message = ""
        self._stop = asyncio.Event()
        self._kill_at: float | None = None
        self._grace_changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    # What the kubelet calls

    def stop(self, grace: float, reason: str = "", message: str = "") -> None:
        """End the pod: its containers get TERM and ``grace`` seconds. A second call can only shorten them."""
        kill_at = time.monotonic() + grace
        if self._kill_at is None or kill_at < self._kill_at:
            self._kill_at = kill_at
            self._grace_changed.set()
        if not self._stop.is_set():
            self.reason, self.message = reason, message
            self._stop.set()

    async def wait(self) -> None:
        await asyncio.shield(self._task)

    def slot(self, name: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.name == name), None)

    # The life

    async def _run(self) -> None:
        life = asyncio.ensure_future(self._live())
        stop = asyncio.ensure_future(self._stop.wait())
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        timer = asyncio.get_running_loop().call_later(deadline, self._deadline) if deadline else None
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
            self._publish()
            await self._clean_up()
            self.kubelet.ended(self)

    def _deadline(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self._event("Normal", "DeadlineExceeded", message)
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        self.stop(grace, "DeadlineExceeded", message)

    async def _live(self) -> None:
        self._publish()
        await self._set_up_volumes()
        self.sandbox = True
        running: list[asyncio.Task[None]] = []
        try:
            for slot in self.slots:
                if slot.sidecar:
                    running.append(asyncio.ensure_future(self._run_container(slot)))
                    await self._until_started(slot)
                elif slot.init:
                    await self._run_container(slot)
                    if slot.exit_code != 0:
                        return
            for slot in self.slots:
                if not slot.init and "waiting" in slot.state:
                    slot.state = states.waiting("PodInitializing" if self._has_init else "ContainerCreating")
            main = []
            for slot in self.slots:
                if not slot.init:
                    main.append(asyncio.ensure_future(self._run_container(slot)))
                    running.append(main[-1])
                    tried = asyncio.ensure_future(self._until_tried(slot))
                    running.append(tried)
                    await asyncio.wait({main[-1], tried}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*main)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    @property
    def _has_init(self) -> bool:
        return any(slot.init for slot in self.slots)

    async def _set_up_volumes(self) -> None:
        while True:
            try:
                self.volumes.set_up()
                return
            except VolumeError as error:
                message = f'MountVolume.SetUp failed for volume "{error.volume}" : {error}'
                self._event("Warning", "FailedMount", message)
                await asyncio.sleep(_RETRY)

    async def _until_started(self, slot: Slot) -> None:
        while not slot.started:
            changed = self.kubelet.changed(self.uid)
            await changed.wait()

    async def _until_tried(self, slot: Slot) -> None:
        """As a kubelet does, start one container after another; one that can't start holds up no other."""
        while slot.state.get("waiting", {}).get("reason") in ("ContainerCreating", "PodInitializing"):
            changed = self.kubelet.changed(self.uid)
            await changed.wait()

    async def _run_container(self, slot: Slot) -> None:
        """Run a container, and again as the restart policy says."""
        policy = "Always" if slot.sidecar else self.pod["spec"].get("restartPolicy", "Always")
        if slot.init and not slot.sidecar and policy == "Always":
            policy = "OnFailure"
        back_off = 0.0
        while True:
            started = time.monotonic()
            container = await self._start(slot)
            if container is not None:
                exit = await container.wait()
                await self._finished(slot, exit)
            code = slot.exit_code
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            if time.monotonic() - started > 600:
                back_off = 0.0
            ended = slot.state
            if back_off:
                meta = self.pod["metadata"]
                text = (
                    f"back-off {_duration(back_off)} restarting failed container={slot.name} "
                    f"pod={meta['name']}_{meta['namespace']}({self.uid})"
                )
                slot.state, slot.last = states.waiting("CrashLoopBackOff", text), ended
                where = f"{meta['name']}_{meta['namespace']}({self.uid})"
                text = f"Back-off restarting failed container {slot.name} in pod {where}"
                self._event("Warning", "BackOff", text, slot)
                self._publish()
                await asyncio.sleep(back_off)
            slot.last = ended
            slot.restarts += 1
            back_off = min(back_off * 2, _BACK_OFF[1]) or _BACK_OFF[0]

    async def _start(self, slot: Slot) -> Container | None:
        """Pull and start, waiting for what is not there yet. None: it ended before it began (StartError)."""
        while True:
            image = await self._pull(slot)
            try:
                spec = self._spec(slot)
                break
            except environment.ConfigError as error:
                self._event("Warning", "Failed", f"Error: {error}", slot)
                self._wait_with(slot, "CreateContainerConfigError", str(error))
                await asyncio.sleep(_RETRY)
        slot.container_id = f"process://{spec.id}"
        slot.created = True
        slot.image, slot.image_id = image.name, image.id
        run_log = self._open_log(slot)
        self._event("Normal", "Created", f"Created container: {slot.name}", slot)
        while True:
            try:
                container = await self.kubelet.engine.start(spec, run_log.write)
                break
            except StartError as error:
                self._event("Warning", "Failed", f"Error: {error.message}", slot)
                if error.reason == "StartError":
                    run_log.close()
                    slot.state = states.terminated(Exit(128), "", slot.container_id, error.message, "StartError")
                    self._publish()
                    return None
                self._wait_with(slot, error.reason, error.message)
                await asyncio.sleep(_BACK_OFF[0])
        self.containers[slot.name] = container
        slot.state = {"running": {"startedAt": clock.now()}}
        slot.started, slot.ready = True, not slot.init or slot.sidecar
        self._event("Normal", "Started", f"Started container {slot.name}", slot)
        self._publish()
        return container

    async def _pull(self, slot: Slot) -> PulledImage:
        image, policy = slot.spec["image"], slot.spec.get("imagePullPolicy", "IfNotPresent")
        back_off = _BACK_OFF[0]
        while True:
            try:
                present = self.kubelet.engine.present(image)
                if present is None and policy == "Never":
                    text = f'Container image "{image}" is not present with pull policy of Never'
                    raise PullError("ErrImageNeverPull", text)
                if present is not None and policy != "Always":
                    self._event("Normal", "Pulled", f'Container image "{image}" already present on machine', slot)
                else:
                    self._event("Normal", "Pulling", f'Pulling image "{image}"', slot)
                    began = time.monotonic()
                    present = await self.kubelet.engine.pull(image)
                    took = _duration(round(time.monotonic() - began, 3))
                    text = f'Successfully pulled image "{image}" in {took} ({took} including waiting).'
                    self._event("Normal", "Pulled", text, slot)
                return present
            except PullError as error:
                await self._pull_failed(slot, image, error, back_off)
                back_off = min(back_off * 2, _BACK_OFF[1])

    async def _pull_failed(self, slot: Slot, image: str, error: EngineError, back_off: float) -> None:
        if error.reason == "InvalidImageName":
            self._event("Warning", "InspectFailed", error.message, slot)
        elif error.reason == "ErrImagePull":
            self._event("Warning", "Failed", f'Failed to pull image "{image}": {error.message}', slot)
        self._event("Warning", "Failed", f"Error: {error.reason}", slot)
        self._wait_with(slot, error.reason, error.message)
        if error.reason == "ErrImagePull":
            await asyncio.sleep(2)
            text = f'Back-off pulling image "{image}"'
            self._event("Normal", "BackOff", text, slot)
            self._event("Warning", "Failed", "Error: ImagePullBackOff", slot)
            self._wait_with(slot, "ImagePullBackOff", f"{text}: ErrImagePull: {error.message}")
        await asyncio.sleep(back_off)

    def _spec(self, slot: Slot) -> ContainerSpec:
        """What to run. Raises ConfigError."""
        pod, spec = self.pod, slot.spec
        find = lambda resource, name: self.kubelet.store.find(resource, self.key[0], name)  # noqa: E731
        env = environment.environment(pod, spec, find, self.kubelet.node_size)
        identity = os.urandom(32).hex()
        own = self.folder / "containers" / slot.name
        own.mkdir(parents=True, exist_ok=True)
        message = own / "termination-log"
        message.write_bytes(b"")
        message.chmod(0o666)
        mounts = self.volumes.mounts(spec, env)
        mounts.append(Mount(message, spec.get("terminationMessagePath") or "/dev/termination-log"))
        security = {**(pod["spec"].get("securityContext") or {}), **(spec.get("securityContext") or {})}
        groups = [
            *(security.get("supplementalGroups") or []),
            *([security["fsGroup"]] if security.get("fsGroup") else []),
        ]
        limits = (spec.get("resources") or {}).get("limits") or {}
        return ContainerSpec(
            id=identity,
            pod_uid=self.uid,
            pod=pod["metadata"]["name"],
            name=slot.name,
            image=spec["image"],
            command=tuple(environment.expand(word, env) for word in spec.get("command") or []),
            args=tuple(environment.expand(word, env) for word in spec.get("args") or []),
            env=env,
            working_dir=spec.get("workingDir") or None,
            mounts=tuple(mounts),
            scratch=own / f"scratch-{slot.restarts}",
            user=security.get("runAsUser"),
            group=security.get("runAsGroup"),
            supplementary_groups=tuple(groups),
            memory=int(parse(limits["memory"])) if limits.get("memory") else None,
            cpu=float(parse(limits["cpu"])) if limits.get("cpu") else None,
        )

    async def _finished(self, slot: Slot, exit: Exit) -> None:
        run_log = self.logs[slot.name]
        run_log.close()
        container = self.containers.pop(slot.name, None)
        started = slot.state.get("running", {}).get("startedAt", "")
        slot.state = states.terminated(exit, started, slot.container_id, self._last_word(slot, exit, run_log.path))
        slot.started = False
        slot.ready = slot.init and not slot.sidecar and exit.code == 0
        # Before anything is awaited: who follows the log sees its end, and asks at once how the container ended.
        if self.containers or not self._stop.is_set():  # the last one's end, when told to stop, is the pod's
            self._publish()
        if container:
            await container.remove()

    def _last_word(self, slot: Slot, exit: Exit, path: Path) -> str:
        try:
            text = (self.folder / "containers" / slot.name / "termination-log").read_bytes()[:_MESSAGE_SIZE]
        except OSError:
            text = b""
        if text or exit.code == 0 or slot.spec.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return text.decode(errors="replace")
        return logs.last_lines(path, 80, 2048)

    # The end

    async def _end_containers(self) -> None:
        """TERM to every container at once, KILL when the grace is over; sidecars after the others."""
        for group in ([s for s in self.slots if not s.sidecar], [s for s in reversed(self.slots) if s.sidecar]):
            await asyncio.gather(*(self._end_container(slot) for slot in group if slot.name in self.containers))

    async def _end_container(self, slot: Slot) -> None:
        container = self.containers[slot.name]
        self._event("Normal", "Killing", f"Stopping container {slot.name}", slot)
        if self.reason:
            self._publish()
        if self._kill_at is None:
            self._kill_at = time.monotonic() + float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        ended = asyncio.ensure_future(container.wait())
        if self._kill_at > time.monotonic():
            await container.signal(signal.SIGTERM)
        while not ended.done() and (left := self._kill_at - time.monotonic()) > 0:
            self._grace_changed.clear()
            changed = asyncio.ensure_future(self._grace_changed.wait())
            await asyncio.wait({ended, changed}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        if not ended.done():
            await container.signal(signal.SIGKILL)
        await self._finished(slot, await ended)

    async def _clean_up(self) -> None:
        for run_log in self.logs.values():
            run_log.close()
        await asyncio.get_running_loop().run_in_executor(None, self._remove_files)

    def _remove_files(self) -> None:
        self.volumes.tear_down()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Words to the outside

    def _open_log(self, slot: Slot) -> logs.ContainerLog:
        path = self.kubelet.log_path(self.key, self.uid, slot.name, slot.restarts)
        run_log = self.logs[slot.name] = logs.ContainerLog(path)
        return run_log

    def _wait_with(self, slot: Slot, reason: str, message: str) -> None:
        slot.state = states.waiting(reason, message)
        self._publish()

    def _event(self, kind: str, reason: str, message: str, slot: Slot | None = None) -> None:
        self.kubelet.recorder.kubelet(self.pod, kind, reason, message, slot.events_field if slot else "")

    def _publish(self) -> None:
        """Write the status, onto the object as it is now: its labels may have changed meanwhile."""
        self.kubelet.wake(self.uid)
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
        )
        if status != current["status"]:
            self.pod = self.kubelet.store.update("pods", {**current, "status": status})


def _duration(seconds: float) -> str:
    """As Go prints one: ``10s``, ``2m40s``, ``412ms``."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:g}s"
    return f"{int(seconds // 60)}m{int(seconds % 60)}s"
