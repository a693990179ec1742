"""Risks of the final pods, with their init containers, sidecars and overlays."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from dag_factory.config.guards.images import pod_images
from dag_factory.config.model import Fragment, Job, Pipeline
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.pod.image_names import tag_problem
from dag_factory.config.pod.references import references, service_account
from dag_factory.config.pod.security_standards import may_violate_baseline, violations
from dag_factory.config.positions import dotted
from dag_factory.plan.risks.finding import Finding

_SECRETS = ("secrets", "pull_secrets")
_EVERYWHERE = ("spec", "metadata")
_sources = attrgetter(
    *("image", "env", "env_from", "volumes", "image_pull_secrets", "init_containers", "pod", "service_account"),
    *("security_context", "pod_security_context", "ports", "annotations"),
)
"""What the rules depend on. Only for jobs that differ in it, the pods are made."""


def find(before: Pipeline | None, after: Pipeline) -> Iterator[Finding]:
    """The risks of the pods of one pipeline; ``before`` is None for a new DAG."""
    yield from _place(before, after)
    old = {job.name: job for job in before.jobs} if before else {}
    for job in after.jobs:
        earlier = old.get(job.name)
        if earlier is None or _sources(earlier) != _sources(job):
            pod = final_pod(job, after.cluster)
            earlier_pod = final_pod(earlier, before.cluster) if earlier and before else None
            yield from _images(job, pod, earlier_pod)
            yield from _secrets(job, pod, earlier_pod)
            yield from _service_account(job, pod, earlier_pod)
            yield from _privileges(job, pod, earlier_pod)


def _place(before: Pipeline | None, after: Pipeline) -> Iterator[Finding]:
    if before is None:
        return
    old, new = before.cluster.namespace or "default", after.cluster.namespace or "default"
    if old != new:
        sentence = f"The pods run in the namespace `{new}` instead of `{old}`."
        yield Finding("namespace-changed", sentence, fields=("metadata.namespace", "cluster.namespace", "namespace"))
    clusters = [(side.cluster.kubernetes_conn_id, side.cluster.in_cluster) for side in (before, after)]
    if clusters[0] != clusters[1]:
        names = [connection or "the default connection" for connection, _ in clusters]
        sentence = f"The pods may run in another cluster: `{names[1]}` instead of `{names[0]}`."
        yield Finding("namespace-changed", sentence, fields=("cluster",))


def _images(job: Job, pod: Fragment, before: Fragment | None) -> Iterator[Finding]:
    known = {image for _, image in pod_images(before)} if before else set()
    for path, image in pod_images(pod):
        if image not in known and (problem := tag_problem(image)):
            known.add(image)
            sentence = f"The image `{image}` {problem}, so it may change at any time."
            yield Finding("moving-image", sentence, job.name, (_prefix(dotted(path)), *_EVERYWHERE), image)


def _secrets(job: Job, pod: Fragment, before: Fragment | None) -> Iterator[Finding]:
    known = set(_secret_names(before)) if before else set()
    for kind, name in dict.fromkeys(_secret_names(pod)):
        if (kind, name) not in known:
            use = " to pull images" if kind == "pull_secrets" else ""
            sentence = f"The secret `{name}` is newly used{use}."
            yield Finding("new-secret", sentence, job.name, _EVERYWHERE, name)


def _secret_names(pod: Fragment) -> Iterator[tuple[str, str]]:
    for reference in references(pod):
        if reference.kind in _SECRETS:
            yield reference.kind, reference.shown


def _service_account(job: Job, pod: Fragment, before: Fragment | None) -> Iterator[Finding]:
    if before is None:
        return
    old, new = service_account(before["spec"])[0], service_account(pod["spec"])[0]
    if old != new:
        sentence = f"The pods run with the service account `{new}` instead of `{old}`."
        yield Finding("service-account-changed", sentence, job.name, ("spec.serviceAccount",))


def _privileges(job: Job, pod: Fragment, before: Fragment | None) -> Iterator[Finding]:
    if not may_violate_baseline(job):
        return
    known = {found.message for found in violations(before, "baseline")} if before else set()
    for found in violations(pod, "baseline"):
        if found.message not in known:
            known.add(found.message)
            message = found.message[:1].upper() + found.message[1:]
            sentence = f"{message}: the pod security level `baseline` forbids it."
            yield Finding("more-privileges", sentence, job.name, (_prefix(dotted(found.path)), *_EVERYWHERE))


def _prefix(path: str) -> str:
    """The begin of a path up to the first index, which may be a name elsewhere."""
    return path.split("[")[0]
