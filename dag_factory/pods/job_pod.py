"""A pod of a job, as the cluster describes it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.evidence.json_values import map_of, text_of, texts_of, time_of
from dag_factory.verdicts.evidence.model import Event, Evidence, Pod
from dag_factory.verdicts.evidence.read_objects import read_pod
from dag_factory.verdicts.kinds import Kind
from dag_factory.verdicts.rules.waits import waiting

SELECTOR = "dagwright/pipeline,kubernetes_pod_operator=True"
CHECKED = "already_checked"
"""The label of a pod that its try is done with. The operator of a later try ignores such a pod."""

_LONGEST_LABEL = 63


class TaskLabels(msgspec.Struct, frozen=True, order=True):
    """A task instance as the labels of its pod name it. The operator shortens long names, and names with `:` or `+`."""

    dag: str
    run: str
    task: str
    map_index: int = -1


class JobPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod of a job. Times are seconds since 1970. ``checked``: its try is done with it."""

    pod: Pod
    task: TaskLabels
    try_number: int
    pipeline: str
    job: str
    flavor: str
    environment: str
    created: float
    checked: bool

    @property
    def is_active(self) -> bool:
        """Whether a container of the pod may still run."""
        return self.pod.phase not in ("Succeeded", "Failed")


def read_job_pod(value: object) -> JobPod | None:
    """Read a pod from the JSON of Kubernetes' API; None if it is not the pod of a job."""
    pod, metadata = read_pod(value), map_of(value, "metadata")
    labels = texts_of(metadata, "labels")
    if pod is None or not {"dag_id", "run_id", "task_id", "dagwright/pipeline"} <= labels.keys():
        return None
    return JobPod(
        pod=pod,
        task=TaskLabels(labels["dag_id"], labels["run_id"], labels["task_id"], _number(labels.get("map_index"), -1)),
        try_number=_number(labels.get("try_number"), 0),
        pipeline=labels["dagwright/pipeline"],
        job=labels.get("dagwright/job", ""),
        flavor=labels.get("dagwright/try-flavor") or labels.get("dagwright/flavor", ""),
        environment=labels.get("dagwright/environment", ""),
        created=time_of(metadata, "creationTimestamp") or 0,
        checked=labels.get(CHECKED) == "True",
    )


def pod_reason(pod: JobPod, events: tuple[Event, ...], now: float) -> tuple[Kind | None, str]:
    """The verdict on a failed pod, or why a pod still waits. An empty sentence for a pod that runs or succeeded."""
    if pod.pod.phase == "Failed":
        verdict = decide(Evidence(pod=pod.pod, events=events, flavor=pod.flavor))
        return verdict.kind, verdict.sentence
    return None, waiting(pod.pod, events, now - pod.created)


def label_of(name: str) -> str:
    """The label that Airflow's operator gives a pod for a name or number."""
    label = re.sub(r"^[^a-z0-9A-Z]*|[^a-zA-Z0-9_\-.]|[^a-z0-9A-Z]*$", "", name)
    if name == label and len(label) <= _LONGEST_LABEL:
        return label
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:9]
    return f"{label[: _LONGEST_LABEL - 10]}-{digest}"


def event_owner(value: Any) -> str:
    """The uid of the pod that an event concerns."""
    return text_of(map_of(value, "involvedObject"), "uid")


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() and text.isascii() and len(text) < 10 else default
