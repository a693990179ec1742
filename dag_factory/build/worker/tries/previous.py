"""What is known of the try before this one: the first line of the log of a later try.

If the worker of a try dies (``kill -9``, no memory, a lost node), nothing evaluates the try and its log just ends. The
next try finds its pod, if there is one, and says what happened.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import POD_IDENTIFIER_STATE_KEY
from kubernetes.client import CoreV1Api
from kubernetes.client import models as k8s

from dag_factory.build.worker.tries import records
from dag_factory.build.worker.tries.evidence import collect
from dag_factory.config.model import Job
from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.evidence.model import Evidence
from dag_factory.verdicts.history import add_try
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_DIED = "its worker died or was lost before it could report how the try ended"


def describe_previous(client: CoreV1Api, context: Any, job: Job | None) -> str:
    """One line about the try before this one. A try whose worker died gets its record here.

    A try that used no retry has the number of the try that follows it.
    """
    history = records.load(context)
    number = context["ti"].try_number
    if not any(one.number == number for one in history.tries):
        number -= 1
    known = [one for one in history.tries if one.number == number]
    if known:
        return f"Try {number} failed: {known[-1].sentence}." if known[-1].kind else f"Try {number} succeeded."
    evidence = _evidence(client, context, job)
    verdict, text = _judge(evidence)
    records.save(context, add_try(history, records.make_record(number, job, evidence.pod, verdict)))
    return f"Try {number} has no verdict: {_DIED}. {text}"


def _evidence(client: CoreV1Api, context: Any, job: Job | None) -> Evidence:
    store = context.get("task_state_store")
    stored = store.get(POD_IDENTIFIER_STATE_KEY) if store is not None else None
    if not isinstance(stored, dict) or not stored.get("name") or not stored.get("namespace"):
        return Evidence()
    pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name=stored["name"], namespace=stored["namespace"]))
    return collect(client, pod, job, None)


def _judge(evidence: Evidence) -> tuple[Verdict, str]:
    """The verdict on the try, and what became of its pod."""
    lost = make_verdict("killed", f"killed: {_DIED}", [Fact(_DIED, "records")], advice="look for what ended the worker")
    pod = evidence.pod
    if pod is None or not pod.phase:
        return lost, "It left no pod."
    if pod.phase == "Succeeded" or (pod.base and pod.base.end and pod.base.end.exit_code == 0):
        return lost, f"Its pod {pod.name} succeeded, but its result was not read, so the job runs again."
    if pod.phase in ("Pending", "Running") and not (pod.base and pod.base.end):
        return lost, f"Its pod {pod.name} is still there (phase {pod.phase}), and this try takes it over."
    verdict = decide(evidence)
    return verdict, f"Its pod {pod.name} failed: {verdict.sentence}."
