"""GET …/pods/NAME/log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from ..kubelet.kubelet import Kubelet
from ..kubelet.logs import ContainerLog, LogOptions, read
from ..objects import clock
from ..objects.store import Object
from ..resources import errors
from ..resources.query import bool_param, int_param


def container_names(pod: Object) -> list[str]:
    spec = pod["spec"]
    return [c["name"] for c in [*spec["containers"], *(spec.get("initContainers") or [])]]


def choose_container(pod: Object, requested: str) -> str:
    """The container of a request. Raises a 400 if the name is unknown, or missing and needed."""
    name = pod["metadata"]["name"]
    if requested:
        if requested not in container_names(pod):
            raise errors.bad_request(f"container {requested} is not valid for pod {name}")
        return requested
    spec = pod["spec"]
    default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if default in container_names(pod):
        return str(default)
    if len(spec["containers"]) == 1 and not spec.get("initContainers"):
        return str(spec["containers"][0]["name"])
    if len(spec["containers"]) == 1:
        init = " ".join(c["name"] for c in spec["initContainers"])
        only = spec["containers"][0]["name"]
        raise errors.bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{only}] "
            f"or one of the init containers: [{init}]"
        )
    containers = " ".join(c["name"] for c in spec["containers"])
    init = " ".join(c["name"] for c in spec.get("initContainers") or [])
    also = f" or one of the init containers: [{init}]" if init else ""
    raise errors.bad_request(f"a container name must be specified for pod {name}, choose one of: [{containers}]{also}")


def open_log(kubelet: Kubelet, pod: Object, query: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The text of a log, as the query requests it. Raises a 400 if there is no log yet or no longer."""
    container = choose_container(pod, query.get("container", ""))
    options = _options(query)
    previous = bool_param(query, "previous")
    found = _find(kubelet, pod, container, previous)
    if found is None:
        return _empty()
    path, log = found
    return read(path, log, options)


def _find(kubelet: Kubelet, pod: Object, container: str, previous: bool) -> tuple[Path, ContainerLog | None] | None:
    meta, status = pod["metadata"], pod["status"]
    name = meta["name"]
    if not pod["spec"].get("nodeName"):
        return None
    statuses = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    container_status = next((s for s in statuses if s["name"] == container), None)
    if container_status is None:
        raise errors.bad_request(f'container "{container}" in pod "{name}" is not available')
    restart = container_status["restartCount"]
    key = (meta["namespace"], name)
    if previous:
        if not container_status.get("lastState", {}).get("terminated"):
            raise errors.bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        path = kubelet.folders.log(key, meta["uid"], container, restart - 1)
        log = None
    else:
        path = kubelet.folders.log(key, meta["uid"], container, restart)
        worker = kubelet.worker(pod)
        log = worker.container_log(container) if worker else None
        if "waiting" in container_status["state"]:
            if container_status["lastState"].get("terminated"):  # between two runs: the log of the last one
                path = kubelet.folders.log(key, meta["uid"], container, max(0, restart - (not path.exists())))
            else:
                reason = container_status["state"]["waiting"].get("reason", "")
                if reason in ("ErrImagePull", "ImagePullBackOff"):
                    reason = "trying and failing to pull image"
                raise errors.bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    if not path.exists():
        return None
    return path, log


def _options(query: Mapping[str, str]) -> LogOptions:
    since = None
    seconds = int_param(query, "sinceSeconds")
    if seconds is not None and query.get("sinceTime"):
        raise errors.bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if seconds is not None:
        if seconds < 1:
            raise _bad_option("sinceSeconds", seconds, "must be greater than 0")
        since = time.time() - seconds
    elif query.get("sinceTime"):
        try:
            since = clock.parse(query["sinceTime"])
        except ValueError as error:
            raise errors.bad_request(str(error)) from error
    tail, limit = int_param(query, "tailLines"), int_param(query, "limitBytes")
    if tail is not None and tail < 0:
        raise _bad_option("tailLines", tail, "must be greater than or equal to 0")
    if limit is not None and limit < 1:
        raise _bad_option("limitBytes", limit, "must be greater than 0")
    return LogOptions(
        follow=bool_param(query, "follow"),
        timestamps=bool_param(query, "timestamps"),
        tail=tail,
        since=since,
        limit=limit,
    )


def _bad_option(name: str, value: int, rule: str) -> errors.ApiError:
    return errors.invalid(
        "PodLogOptions", "", [errors.Cause("FieldValueInvalid", f"Invalid value: {value}: {rule}", name)]
    )


async def _empty() -> AsyncIterator[bytes]:
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk
