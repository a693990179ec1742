"""The kubelet: a worker for each pod of the node, started and stopped as the objects of the API say."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..objects.events import Recorder
from ..objects.pod_phase import is_finished
from ..objects.store import Change, Missing, Object, Store
from ..runtime.engine import Engine
from . import disk
from .faults import Faults, evict
from .pod import recovery
from .pod_worker import PodWorker

log = logging.getLogger(__name__)

_SWEEP = 10.0  # seconds between two looks at the disk


class Kubelet:
    """``state`` is the server's folder. ``node_size`` is the node's capacity as quantities."""

    def __init__(
        self, store: Store, engine: Engine, recorder: Recorder, state: Path, node_size: dict[str, str]
    ) -> None:
        self.store = store
        self.engine = engine
        self.recorder = recorder
        self.node_size = node_size
        self.pods = state / "pods"
        self.log_root = state / "logs"
        self.claims = state / "claims"
        self.memory = _memory_folder(state)
        self.workers: dict[str, PodWorker] = {}
        self.faults = Faults(lambda: list(self.workers.values()))
        self._changed: dict[str, asyncio.Event] = {}
        store.listen(self._on_change)

    def begin(self) -> None:
        """Remove what pods of a killed server left: their scratch space and volumes, not logs and claims."""
        for left in (self.pods, self.memory):
            shutil.rmtree(left, ignore_errors=True)
        for folder in (self.pods, self.log_root, self.claims):
            folder.mkdir(parents=True, exist_ok=True)

    def recover(self) -> None:
        """After a restart: pods that ran have failed or run again, and logs of pods that are gone go too."""
        known = set()
        for pod in self.store.all("pods"):
            meta = pod["metadata"]
            known.add(meta["uid"])
            if "deletionTimestamp" in meta:
                self.store.delete("pods", meta["namespace"], meta["name"])
            elif pod["spec"].get("nodeName") and not is_finished(pod):
                folder = self.log_path((meta["namespace"], meta["name"]), meta["uid"], "-", 0).parent.parent
                logged = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
                pod = recovery.begun(pod, logged)
                if recovery.runs_again(pod):
                    self.bound(pod)
                else:
                    self.store.update("pods", recovery.failed(pod))
        for folder in self.log_root.iterdir():
            if folder.name.rpartition("_")[2] not in known:
                shutil.rmtree(folder, ignore_errors=True)

    async def sweep(self) -> None:
        """Keep the disk bounded, for ever."""
        while True:
            await asyncio.sleep(_SWEEP)
            try:
                await self.swept()
            except Exception:
                log.exception("the sweep failed; it goes on")

    async def swept(self) -> None:
        loop = asyncio.get_running_loop()
        for worker in list(self.workers.values()):
            if disk.bounded(worker.pod):
                why = await loop.run_in_executor(None, disk.over_limit, worker.pod, worker.folder)
                if why:
                    evict(worker, why)
        done = [pod for pod in self.store.all("pods") if is_finished(pod)]
        sizes = await loop.run_in_executor(None, self._log_sizes)
        for pod in disk.surplus(done, sizes):
            with contextlib.suppress(Missing):
                self.store.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _log_sizes(self) -> dict[str, int]:
        return {folder.name.rpartition("_")[2]: disk.used(folder) for folder in self.log_root.iterdir()}

    async def end(self) -> None:
        """End every pod at once; a development cluster that stops keeps nobody waiting."""
        for worker in list(self.workers.values()):
            worker.stop(0, "Terminated", "Pod was terminated in response to imminent node shutdown.")
        await asyncio.gather(*(worker.wait() for worker in list(self.workers.values())), return_exceptions=True)
        shutil.rmtree(self.memory, ignore_errors=True)

    def bound(self, pod: Object) -> None:
        """The scheduler gave this pod the node."""
        self.workers[pod["metadata"]["uid"]] = PodWorker(self, pod)

    def worker(self, pod: Object) -> PodWorker | None:
        return self.workers.get(pod["metadata"]["uid"])

    def ended(self, worker: PodWorker) -> None:
        """A worker is done: a pod that was being deleted goes now."""
        self.workers.pop(worker.uid, None)
        self._changed.pop(worker.uid, None)
        try:
            pod = self.store.get("pods", *worker.key)
        except Missing:
            return
        if pod["metadata"]["uid"] == worker.uid and "deletionTimestamp" in pod["metadata"]:
            meta = {**pod["metadata"], "deletionGracePeriodSeconds": 0}
            self.store.update("pods", {**pod, "metadata": meta})
            self.store.delete("pods", *worker.key)

    def pod_folder(self, uid: str) -> Path:
        return self.pods / uid

    def log_path(self, key: tuple[str, str], uid: str, container: str, restart: int) -> Path:
        return self.log_root / f"{key[0]}_{key[1]}_{uid}" / container / f"{restart}.log"

    def changed(self, uid: str) -> asyncio.Event:
        """Set at the next change of this pod's containers."""
        return self._changed.setdefault(uid, asyncio.Event())

    def wake(self, uid: str) -> None:
        event = self._changed.pop(uid, None)
        if event:
            event.set()

    def _on_change(self, change: Change) -> None:
        if change.resource != "pods":
            return
        meta = change.object["metadata"]
        worker = self.workers.get(meta["uid"])
        if change.type == "DELETED":
            if worker:
                worker.stop(0)
            self._remove_files(meta)
        elif worker and "deletionTimestamp" in meta and not is_finished(change.object):
            worker.stop(float(meta.get("deletionGracePeriodSeconds", 30)))

    def _remove_files(self, meta: dict[str, str]) -> None:
        """A deleted pod's logs go too, as on a node, a moment later: a reader may be at their last lines."""
        folder = self.log_root / f"{meta['namespace']}_{meta['name']}_{meta['uid']}"
        remove: Callable[[], None] = lambda: shutil.rmtree(folder, ignore_errors=True)  # noqa: E731
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_later(5, remove)


def _memory_folder(state: Path) -> Path:
    """Where volumes of medium Memory lie that several containers share."""
    shm = Path("/dev/shm")
    base = shm if shm.is_dir() else Path(tempfile.gettempdir())
    return base / f"dagf-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}"
