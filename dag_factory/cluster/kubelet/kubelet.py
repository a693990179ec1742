"""The kubelet: one worker for each pod of the node, started and stopped as the API's objects change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from pathlib import Path

from ..objects.events import Recorder
from ..objects.pod_phase import is_finished
from ..objects.store import Change, Missing, Object, Store
from ..runtime.disk_usage import used_bytes
from ..runtime.engine import Engine
from . import disk
from .faults import Faults, evict
from .folders import NodeFolders, uid_of
from .node_context import NodeContext
from .pod import recovery
from .pod.node_facts import NodeFacts
from .pod_worker import PodWorker

log = logging.getLogger(__name__)

_SWEEP_INTERVAL = 10.0  # seconds
_LOG_DELAY = 5  # seconds from a pod's deletion to that of its logs: a client may still read the last lines


class Kubelet:
    """``state`` is the server's folder. ``facts`` is what pods learn of the node."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        recorder: Recorder,
        state: Path,
        facts: NodeFacts,
        *,
        strict_volumes: bool = False,
    ) -> None:
        self.store = store
        self.folders = NodeFolders(state)
        self.workers: dict[str, PodWorker] = {}
        self.faults = Faults(lambda: list(self.workers.values()))
        self._node = NodeContext(store, engine, recorder, self.folders, facts, strict_volumes)
        store.add_listener(self._on_change)

    def begin(self) -> None:
        self.folders.prepare()

    def recover(self) -> None:
        """After a restart: fail the pods that ran, or run them again. Remove the logs of pods that are gone."""
        known = set()
        for pod in self.store.all("pods"):
            meta = pod["metadata"]
            known.add(meta["uid"])
            if "deletionTimestamp" in meta:
                self.store.delete("pods", meta["namespace"], meta["name"])
            elif pod["spec"].get("nodeName") and not is_finished(pod):
                folder = self.folders.pod_logs((meta["namespace"], meta["name"]), meta["uid"])
                with_logs = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
                pod = recovery.mark_started(pod, with_logs)
                if recovery.runs_again(pod):
                    self.run_pod(pod)
                else:
                    self.store.update("pods", recovery.mark_failed(pod))
        self.folders.remove_logs_except(known)

    async def run_sweeps(self) -> None:
        """Check the disk space regularly, forever."""
        while True:
            await asyncio.sleep(_SWEEP_INTERVAL)
            try:
                await self._sweep()
            except Exception:
                log.exception("the check of the disk space failed; the next one follows")

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for worker in list(self.workers.values()):
            if disk.has_limit(worker.pod):
                written = await worker.written_bytes()
                excess = await loop.run_in_executor(None, disk.find_excess, worker.pod, worker.folder, written)
                if excess:
                    evict(worker, excess)
        done = [pod for pod in self.store.all("pods") if is_finished(pod)]
        sizes = await loop.run_in_executor(None, self._log_sizes)
        for pod in disk.surplus(done, sizes):
            with contextlib.suppress(Missing):
                self.store.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _log_sizes(self) -> dict[str, int]:
        return {uid_of(folder): used_bytes(folder) for folder in self.folders.logs.iterdir()}

    async def end(self) -> None:
        """End every pod without grace: nobody should wait for a development cluster to stop."""
        for worker in list(self.workers.values()):
            worker.stop(0, "Terminated", "Pod was terminated in response to imminent node shutdown.")
        await asyncio.gather(*(worker.wait() for worker in list(self.workers.values())), return_exceptions=True)
        shutil.rmtree(self.folders.memory, ignore_errors=True)

    def run_pod(self, pod: Object) -> None:
        """Run a pod that is bound to the node."""
        if pod["metadata"]["uid"] in self.workers:
            return
        worker = PodWorker(self._node, pod, self.faults.container_started, self._on_end)
        self.workers[pod["metadata"]["uid"]] = worker

    def worker(self, pod: Object) -> PodWorker | None:
        return self.workers.get(pod["metadata"]["uid"])

    def _on_end(self, worker: PodWorker) -> None:
        """Forget a worker that is done. If its pod is being deleted, delete the object."""
        self.workers.pop(worker.uid, None)
        try:
            pod = self.store.get("pods", *worker.key)
        except Missing:
            return
        if pod["metadata"]["uid"] == worker.uid and "deletionTimestamp" in pod["metadata"]:
            meta = {**pod["metadata"], "deletionGracePeriodSeconds": 0}
            self.store.update("pods", {**pod, "metadata": meta})
            self.store.delete("pods", *worker.key)

    def _on_change(self, change: Change) -> None:
        if change.resource != "pods":
            return
        meta = change.object["metadata"]
        worker = self.workers.get(meta["uid"])
        if change.type == "DELETED":
            if worker:
                worker.stop(0)
            self._remove_logs(meta)
        elif worker and not is_finished(change.object):
            worker.set_deadline(change.object["spec"].get("activeDeadlineSeconds"))
            if "deletionTimestamp" in meta:
                worker.stop(float(meta.get("deletionGracePeriodSeconds", 30)))

    def _remove_logs(self, meta: dict[str, str]) -> None:
        """Remove a deleted pod's logs, as a node does, after a delay."""
        folder = self.folders.pod_logs((meta["namespace"], meta["name"]), meta["uid"])
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_later(_LOG_DELAY, lambda: shutil.rmtree(folder, ignore_errors=True))
