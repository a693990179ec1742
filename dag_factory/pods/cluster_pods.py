"""The pods of jobs in a cluster, through the Kubernetes client: list, read, mark and delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from dag_factory.pods.job_pod import CHECKED, SELECTOR, JobPod, event_owner, read_job_pod
from dag_factory.verdicts.evidence.json_values import list_of, map_of, text_of
from dag_factory.verdicts.evidence.model import Event
from dag_factory.verdicts.evidence.read_objects import read_events

_PAGE = 500
_SECONDS = 30  # for one request
_MOST_RESTARTS = 3
_EXPIRED = 410  # the token of a page is too old


class ClusterUnavailable(Exception):
    """The cluster does not answer, or does not allow what is needed. The text says what to do."""


class PodChanged(Exception):
    """The pod is gone, or another pod has its name."""


@dataclass(frozen=True)
class ClusterPods:
    """A connection to a cluster. ``name`` is for people; ``namespace`` is the one of its context."""

    api: client.CoreV1Api
    name: str
    namespace: str

    def list(self, namespaces: Sequence[str], environment: str | None) -> list[JobPod]:
        """The pods of jobs in these namespaces (all if empty), oldest first. Raises ``ClusterUnavailable``."""
        selector = SELECTOR + (f",dagwright/environment={environment}" if environment else "")
        found = []
        for namespace in namespaces or ("",):
            for item in self._pages(self._lister("pod", namespace), "list pods", namespace, label_selector=selector):
                if (pod := read_job_pod(item)) is not None:
                    found.append(pod)
        return sorted(found, key=lambda one: (one.created, one.pod.namespace, one.pod.name))

    def events(self, namespaces: Sequence[str]) -> dict[str, tuple[Event, ...]]:
        """The events of each pod by its uid. Raises ``ClusterUnavailable``."""
        by_pod: dict[str, list[Any]] = {}
        for namespace in namespaces:
            selector = "involvedObject.kind=Pod"
            for item in self._pages(
                self._lister("event", namespace), "list events", namespace, field_selector=selector
            ):
                by_pod.setdefault(event_owner(item), []).append(item)
        return {uid: read_events(items, uid) for uid, items in by_pod.items()}

    def read(self, pod: JobPod) -> JobPod:
        """The pod as it is now. Raises ``PodChanged``, ``ClusterUnavailable``."""
        answer = _call(
            lambda: self.api.read_namespaced_pod(pod.pod.name, pod.pod.namespace, **_RAW),
            "read pods",
            pod.pod.namespace,
        )
        found = read_job_pod(answer)
        if found is None or found.pod.uid != pod.pod.uid:
            raise PodChanged
        return found

    def mark(self, pod: JobPod, checked: bool) -> None:
        """Mark the pod so that no later try takes it over; or remove the mark. Raises as ``read`` does."""
        body = {"metadata": {"uid": pod.pod.uid, "labels": {CHECKED: "True" if checked else None}}}
        _call(
            lambda: self.api.patch_namespaced_pod(pod.pod.name, pod.pod.namespace, body, **_RAW),
            "patch pods",
            pod.pod.namespace,
        )

    def delete(self, pod: JobPod) -> None:
        """Delete this pod, and no later one of the same name. Raises as ``read`` does."""
        body = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=pod.pod.uid))
        _call(
            lambda: self.api.delete_namespaced_pod(pod.pod.name, pod.pod.namespace, body=body, **_RAW),
            "delete pods",
            pod.pod.namespace,
        )

    def _lister(self, kind: str, namespace: str) -> Callable[..., Any]:
        if not namespace:
            return getattr(self.api, f"list_{kind}_for_all_namespaces")  # type: ignore[no-any-return]
        method = getattr(self.api, f"list_namespaced_{kind}")
        return lambda **options: method(namespace, **options)

    def _pages(self, read: Callable[..., Any], what: str, namespace: str, **selector: str) -> Iterator[Any]:
        """The objects of a list, page after page. Each object once, also if the list has to start again."""
        seen: set[str] = set()
        token, restarts = "", 0
        while True:
            options = {**selector, **({"_continue": token} if token else {})}
            try:
                answer = _call(partial(read, limit=_PAGE, **options, **_RAW), what, namespace)
            except _Expired:
                token, restarts = "", restarts + 1
                if restarts > _MOST_RESTARTS:
                    raise ClusterUnavailable(f"cannot {what}: the list changes too fast; try again") from None
                continue
            for item in list_of(answer, "items", most=_PAGE * 10):
                uid = text_of(map_of(item, "metadata"), "uid")
                if uid not in seen:
                    seen.add(uid)
                    yield item
            token = text_of(map_of(answer, "metadata"), "continue")
            if not token:
                return


_RAW: dict[str, Any] = {"_preload_content": False, "_request_timeout": _SECONDS}


class _Expired(Exception):
    pass


def connect(kubeconfig: Path | None, context: str | None) -> ClusterPods:
    """Connect to the cluster of a kubeconfig (by default that of kubectl), or to the cluster that this pod runs in.

    Raises ``ClusterUnavailable``.
    """
    settings = client.Configuration()
    try:
        _, active = config.list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
        config.load_kube_config(str(kubeconfig) if kubeconfig else None, context, settings)
    except (ConfigException, OSError, ValueError) as failure:
        if kubeconfig or context:
            raise ClusterUnavailable(f"cannot use the kubeconfig: {failure}") from failure
        return _inside(settings)
    if context:
        contexts, _ = config.list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
        active = next(one for one in contexts if one["name"] == context)
    api = client.CoreV1Api(client.ApiClient(settings))
    return ClusterPods(
        api, f"{settings.host} (context {active['name']})", active["context"].get("namespace", "default")
    )


def _inside(settings: client.Configuration) -> ClusterPods:
    try:
        config.load_incluster_config(settings)
    except ConfigException:
        raise ClusterUnavailable(
            "no kubeconfig was found, and this is not a pod of a cluster; name a file with --kubeconfig"
        ) from None
    file = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    namespace = file.read_text().strip() if file.exists() else "default"
    return ClusterPods(client.CoreV1Api(client.ApiClient(settings)), f"{settings.host} (this cluster)", namespace)


def _call(request: Callable[[], Any], what: str, namespace: str) -> Any:
    """Send a request. Returns the JSON of the response."""
    where = f"in the namespace {namespace}" if namespace else "in all namespaces"
    try:
        return json.loads(request().data)
    except ApiException as failure:
        if failure.status == _EXPIRED:
            raise _Expired from None
        if failure.status in (404, 409):
            raise PodChanged from None
        if failure.status == 401:
            text = f"the cluster rejects the credentials: {_message(failure)}; check the user of the kubeconfig"
        elif failure.status == 403:
            text = (
                f"the cluster does not allow this user to {what} {where}: {_message(failure)}; ask for the permission, "
                "or choose other namespaces with --namespace"
            )
        else:
            text = f"the cluster cannot {what} {where}: {failure.status} {_message(failure)}"
        raise ClusterUnavailable(text) from failure
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as failure:
        raise ClusterUnavailable(f"the cluster does not answer: {failure}") from failure


def _message(failure: ApiException) -> str:
    try:
        return str(json.loads(failure.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(failure.reason)
