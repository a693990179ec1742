"""The job controller: makes a job's pods, counts how they end, and says when the job has."""

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
from ..resources.kinds import Target, named
from ..resources.operations import DeleteOptions, Objects

log = logging.getLogger(__name__)

_BACK_OFF = (10.0, 360.0)  # seconds, the controller's first and longest wait after a failed pod


class JobController:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.objects = Objects(store)
        self._again = asyncio.Event()
        self._again.set()
        store.listen(self._changed)

    async def run(self) -> None:
        while True:
            await self._again.wait()
            self._again.clear()
            for job in self.store.all("jobs"):
                try:
                    self._reconcile(job)
                except (ApiError, Missing) as error:
                    log.warning("job %s: %s", job["metadata"]["name"], error)
                except Exception:
                    log.exception("job %s: the controller failed", job["metadata"]["name"])

    def _changed(self, change: Change) -> None:
        owned = change.resource == "pods" and _owner(change.object)
        if owned or (change.resource == "jobs" and change.type != "DELETED"):
            self._again.set()

    def _reconcile(self, job: Object) -> None:
        meta, spec, before = job["metadata"], job["spec"], job.get("status") or {}
        if _ended(before) or spec.get("suspend"):
            return
        pods = [pod for pod in self.store.all("pods", meta["namespace"]) if _owner(pod) == meta["uid"]]
        done = [pod for pod in pods if pod["status"]["phase"] == "Succeeded"]
        failed = [pod for pod in pods if pod["status"]["phase"] == "Failed"]
        active = [pod for pod in pods if not is_finished(pod) and "deletionTimestamp" not in pod["metadata"]]
        # What an earlier look counted and somebody has deleted since still counts.
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
            wanted = min(spec["parallelism"], spec["completions"] - succeeded) - len(active)
            wait = _back_off(failed)
            if wanted > 0 and wait <= 0:
                active += [self._create(job) for _ in range(wanted)]
            for seconds in [wait if wanted > 0 else 0, left if spec.get("activeDeadlineSeconds") else 0]:
                if seconds > 0:
                    asyncio.get_running_loop().call_later(seconds, self._again.set)
        if _ended(status):
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
        its = {key: dict(value) for key, value in (template.get("metadata") or {}).items() if isinstance(value, dict)}
        body = {
            "metadata": {**its, "generateName": f"{meta['name']}-", "ownerReferences": [owner]},
            "spec": template["spec"],
        }
        return self.objects.create(Target(named("pods"), meta["namespace"]), body, {})

    def _delete(self, pod: Object) -> None:
        meta = pod["metadata"]
        with contextlib.suppress(ApiError):
            self.objects.delete(Target(named("pods"), meta["namespace"], meta["name"]), DeleteOptions())


def _owner(pod: Object) -> str:
    """The uid of the job that made the pod."""
    references = pod["metadata"].get("ownerReferences") or []
    return next((str(one["uid"]) for one in references if one.get("kind") == "Job"), "")


def _ended(status: dict[str, Any]) -> bool:
    return any(c["type"] in ("Complete", "Failed") for c in status.get("conditions") or [])


def _end(kind: str, reason: str, message: str) -> dict[str, Any]:
    """A job's end is said twice: that it has come to one, and, with its pods gone, which."""
    common = {"status": "True", "lastProbeTime": clock.now(), "lastTransitionTime": clock.now()}
    first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    return {"conditions": [{"type": one, **common, "reason": reason, "message": message} for one in (first, kind)]}


def _restarts(pod: Object) -> int:
    return sum(one["restartCount"] for one in pod["status"].get("containerStatuses") or [])


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])


def _back_off(failed: list[Object]) -> float:
    """Seconds until another pod may follow the ones that have failed."""
    if not failed:
        return 0.0
    ends = [
        clock.parse(one["state"]["terminated"]["finishedAt"])
        for pod in failed
        for one in pod["status"].get("containerStatuses") or []
        if "terminated" in one["state"]
    ]
    wait = min(_BACK_OFF[0] * 2.0 ** min(len(failed) - 1, 10), _BACK_OFF[1])
    return max(ends, default=time.time()) + wait - time.time()
