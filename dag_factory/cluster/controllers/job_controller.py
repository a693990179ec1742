"""The job controller: creates the pods of jobs, counts how they end, and ends the jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from ..objects import clock
from ..objects.pod_phase import is_finished
from ..objects.store import Change, Missing, Object, Store
from ..resources.errors import ApiError
from ..resources.kinds import Target, resource_named
from ..resources.operations import Objects
from ..resources.query import DeleteOptions

log = logging.getLogger(__name__)

_BACK_OFF = (10.0, 360.0)  # seconds: the first and the longest wait after a failed pod


class JobController:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.objects = Objects(store)
        self._wake = asyncio.Event()
        self._wake.set()
        store.add_listener(self._on_change)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for job in self.store.all("jobs"):
                try:
                    self._reconcile(job)
                except (ApiError, Missing) as error:
                    log.warning("job %s: %s", job["metadata"]["name"], error)
                except Exception:
                    log.exception("job %s: the controller failed", job["metadata"]["name"])

    def _on_change(self, change: Change) -> None:
        owned = change.resource == "pods" and _owner(change.object)
        if owned or (change.resource == "jobs" and change.type != "DELETED"):
            self._wake.set()

    def _reconcile(self, job: Object) -> None:
        meta, spec, before = job["metadata"], job["spec"], job.get("status") or {}
        if _has_ended(before) or spec.get("suspend"):
            return
        pods = [pod for pod in self.store.all("pods", meta["namespace"]) if _owner(pod) == meta["uid"]]
        done = [pod for pod in pods if pod["status"]["phase"] == "Succeeded"]
        failed = [pod for pod in pods if pod["status"]["phase"] == "Failed"]
        active = [pod for pod in pods if not is_finished(pod) and "deletionTimestamp" not in pod["metadata"]]
        # Pods that were counted earlier and have been deleted since still count.
        succeeded = max(len(done), before.get("succeeded", 0))
        failures = max(len(failed), before.get("failed", 0))
        status: dict[str, Any] = {"startTime": before.get("startTime") or clock.now()}
        left = float(spec.get("activeDeadlineSeconds") or 0) - (time.time() - clock.parse(status["startTime"]))
        if succeeded >= spec["completions"]:
            status |= _end("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
            status["completionTime"] = clock.now()
        elif failures + sum(map(_restarts, active)) > spec["backoffLimit"]:
            status |= _end("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        elif spec.get("activeDeadlineSeconds") and left <= 0:
            status |= _end("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
        else:
            missing = min(spec["parallelism"], spec["completions"] - succeeded) - len(active)
            wait = _back_off(failed)
            if missing > 0 and wait <= 0:
                active += [self._create(job) for _ in range(missing)]
            for seconds in [wait if missing > 0 else 0, left if spec.get("activeDeadlineSeconds") else 0]:
                if seconds > 0:
                    asyncio.get_running_loop().call_later(seconds, self._wake.set)
        if _has_ended(status):
            for pod in active:
                self._delete(pod)
            active = []
        counts = {"active": len(active), "succeeded": succeeded, "failed": failures}
        status |= {name: count for name, count in counts.items() if count}
        status |= {"ready": sum(map(_ready, active)), "terminating": 0, "uncountedTerminatedPods": {}}
        if status != before:
            self.store.update("jobs", {**job, "status": status})

    def _create(self, job: Object) -> Object:
        meta, template = job["metadata"], job["spec"]["template"]
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        metadata = {
            key: dict(value) for key, value in (template.get("metadata") or {}).items() if isinstance(value, dict)
        }
        body = {
            "metadata": {**metadata, "generateName": f"{meta['name']}-", "ownerReferences": [owner]},
            "spec": template["spec"],
        }
        return self.objects.create(Target(resource_named("pods"), meta["namespace"]), body, {})

    def _delete(self, pod: Object) -> None:
        meta = pod["metadata"]
        with contextlib.suppress(ApiError):
            self.objects.delete(Target(resource_named("pods"), meta["namespace"], meta["name"]), DeleteOptions())


def _owner(pod: Object) -> str:
    """The uid of the job that created the pod, or an empty string."""
    references = pod["metadata"].get("ownerReferences") or []
    return next((str(reference["uid"]) for reference in references if reference.get("kind") == "Job"), "")


def _has_ended(status: dict[str, Any]) -> bool:
    return any(c["type"] in ("Complete", "Failed") for c in status.get("conditions") or [])


def _end(kind: str, reason: str, message: str) -> dict[str, Any]:
    """The two conditions of a job's end: that its result is decided, and, once its pods have ended, the result."""
    common = {"status": "True", "lastProbeTime": clock.now(), "lastTransitionTime": clock.now()}
    first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    return {"conditions": [{"type": name, **common, "reason": reason, "message": message} for name in (first, kind)]}


def _restarts(pod: Object) -> int:
    return sum(container["restartCount"] for container in pod["status"].get("containerStatuses") or [])


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])


def _back_off(failed: list[Object]) -> float:
    """The seconds until the next pod may be created after these failed ones."""
    if not failed:
        return 0.0
    ends = [
        clock.parse(container["state"]["terminated"]["finishedAt"])
        for pod in failed
        for container in pod["status"].get("containerStatuses") or []
        if "terminated" in container["state"]
    ]
    wait = min(_BACK_OFF[0] * 2.0 ** min(len(failed) - 1, 10), _BACK_OFF[1])
    return max(ends, default=time.time()) + wait - time.time()
