"""The pods of earlier tries, right before a try creates its own.

Airflow's operator takes over a pod of an earlier try that still runs. That is right if the worker of that try was lost.
It is wrong if the task was cleared, and if the pod is being deleted: then this try would fail together with the pod.
Such pods are ended here, and the try waits for their end, so that never two pods of a task run at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import urllib3
from airflow.providers.cncf.kubernetes.operators.pod import POD_IDENTIFIER_STATE_KEY
from kubernetes.client.exceptions import ApiException

from dag_factory.build.worker.pods import end_pod
from dag_factory.build.worker.tries import records
from dag_factory.build.worker.tries.evidence import collect, read
from dag_factory.build.worker.try_failed import TryLost
from dag_factory.config.model import Job
from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.history import History, add_try, first_try
from dag_factory.verdicts.next_try import NextTry
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_FINISHED = ("Succeeded", "Failed")
_POLL = 0.5  # seconds
_PATIENCE = 60  # seconds after the end of the grace period


def prepare(operator: Any, job: Job | None, context: Any, namespace: str, check_worker: Callable[[], None]) -> None:
    """End the pods of earlier tries that this try must not take over, and report a try whose worker was lost.

    ``job`` has the flavor of this try.
    ``check_worker`` raises if the process of this try is told to end.
    """
    ti = context["ti"]
    if ti.try_number < 2 and not context.get("task_reschedule_count"):
        return
    first = first_try(ti.max_tries or 0, operator.retries or 0)
    selector = operator._build_find_pod_label_selector(context, exclude_checked=False)
    pods = operator.client.list_namespaced_pod(namespace, label_selector=selector).items
    ending = [pod for pod in pods if _must_end(operator, pod, first)]
    left = [pod for pod in pods if not _is_checked(operator, pod) and _try_of(pod) >= first and pod not in ending]
    history = _report_lost_try(operator, job, context, first, left)
    records.save_started(context, history, job)
    for pod in ending:
        if pod.metadata.deletion_timestamp is None:
            end_pod.stop(operator, pod)
        else:
            operator.patch_already_checked(pod, reraise=False)
    for pod in ending:
        _wait(operator, pod, check_worker)
    store, names = context.get("task_state_store"), {pod.metadata.name for pod in ending}
    if store is not None and ending and (store.get(POD_IDENTIFIER_STATE_KEY) or {}).get("name") in names:
        store.delete(POD_IDENTIFIER_STATE_KEY)


def _must_end(operator: Any, pod: Any, first: int) -> bool:
    if pod.status.phase in _FINISHED:
        return False
    gone = pod.metadata.deletion_timestamp is not None
    return gone or _is_checked(operator, pod) or _try_of(pod) < first


def _is_checked(operator: Any, pod: Any) -> bool:
    return bool((pod.metadata.labels or {}).get(operator.POD_CHECKED_KEY) == "True")


def _try_of(pod: Any) -> int:
    text = (pod.metadata.labels or {}).get("try_number", "")
    return int(text) if text.isdecimal() else 0


def _wait(operator: Any, pod: Any, check_worker: Callable[[], None]) -> None:
    name, namespace = pod.metadata.name, pod.metadata.namespace
    grace = pod.spec.termination_grace_period_seconds or 0
    deadline = time.monotonic() + grace + _PATIENCE
    operator.log.info("Waiting for the pod %s of an earlier try to end", name)
    while time.monotonic() < deadline:
        check_worker()
        with suppress(urllib3.exceptions.HTTPError):
            try:
                now = operator.client.read_namespaced_pod(name, namespace)
            except ApiException as failure:
                if failure.status == 404:
                    return
            else:
                if now.status.phase in _FINISHED or now.metadata.uid != pod.metadata.uid:
                    return
        time.sleep(_POLL)
    operator.log.warning(
        "The pod %s of an earlier try did not end within %d s; its node may be lost. This try starts another pod.",
        name,
        grace + _PATIENCE,
    )


def _report_lost_try(operator: Any, job: Job | None, context: Any, first: int, pods: list[Any]) -> History:
    """Log the verdict on the try before this one. Find and store it if the worker was lost before it could.

    Returns the history with that try. A lost worker sent no alert about the retry, so this try sends it.
    """
    ti, history = context["ti"], records.load(context)
    number = ti.try_number - 1
    if known := [one for one in history.tries if one.number in (number, ti.try_number)]:
        operator.log.info("Try %d failed. %s.", known[-1].number, known[-1].sentence)
    if number < first or known:
        return history
    pod = pods[-1] if pods else None
    verdict = _lost(operator, job, pod)
    operator.log.warning("Try %d ended without a verdict of its own. %s", number, verdict.sentence)
    history = add_try(history, records.make_record(number, job, read(pod), verdict))
    records.save(context, history)
    lost = TryLost(verdict, NextTry(action="retry", sentence=f"Try {ti.try_number} runs now"), history)
    for callback in operator.on_retry_callback or ():
        with suppress(Exception):  # as Airflow does: an alert must not change how the try runs
            callback({**context, "ti": ti.model_copy(update={"try_number": number}), "exception": lost})
    return history


def _lost(operator: Any, job: Job | None, pod: Any) -> Verdict:
    """The verdict on a try whose worker was lost. If the pod failed, its own reason."""
    if pod is not None and pod.status.phase == "Failed":
        return decide(collect(operator.client, pod, job, None))
    if pod is None:
        what = "it left no pod"
    elif pod.status.phase == "Succeeded":
        what = f"its pod {pod.metadata.name} succeeded afterwards, and nobody read its result, so the job runs again"
    else:
        what = f"its pod {pod.metadata.name} still runs, and this try takes it over"
    return make_verdict(
        "killed",
        f"killed: the worker of this try was lost, such as by SIGKILL or with its node; {what}",
        [Fact("no record of this try", "task state store")],
    )
