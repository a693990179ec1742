"""Evidence from the plain JSON of Kubernetes' API. Nothing here raises: what cannot be read is empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from dag_factory.verdicts.evidence.json_values import (
    lines_of,
    list_of,
    map_of,
    parsed,
    text_of,
    texts_of,
    time_of,
    whole_of,
)
from dag_factory.verdicts.evidence.model import Condition, Container, End, Event, Pod, Role

_STATUSES = {"initContainers": "initContainerStatuses", "containers": "containerStatuses"}


def read_pod(value: object, base: str = "base") -> Pod | None:
    """The pod, or None if ``value`` is not one. ``base`` is the name of the container that runs the job."""
    value = parsed(value)
    metadata, spec, status = map_of(value, "metadata"), map_of(value, "spec"), map_of(value, "status")
    if not (spec or status):
        return None
    return Pod(
        name=text_of(metadata, "name"),
        namespace=text_of(metadata, "namespace"),
        uid=text_of(metadata, "uid"),
        node=text_of(spec, "nodeName"),
        phase=text_of(status, "phase"),
        reason=text_of(status, "reason"),
        message=text_of(status, "message"),
        conditions=tuple(_conditions(status)),
        containers=_containers(spec, status, base),
        deleted=time_of(metadata, "deletionTimestamp"),
        grace=whole_of(metadata, "deletionGracePeriodSeconds") or 0,
        active_deadline=whole_of(spec, "activeDeadlineSeconds"),
        gates=tuple(filter(None, (text_of(one, "name") for one in list_of(spec, "schedulingGates")))),
        overhead=texts_of(spec, "overhead"),
        created=time_of(metadata, "creationTimestamp"),
    )


def read_events(value: object, uid: str = "") -> tuple[Event, ...]:
    """The events of a list, oldest first. Events of an older pod of the same name are left out if ``uid`` is given."""
    value = parsed(value)
    items = value if isinstance(value, list) else list_of(value, "items", most=5000)
    found = [_event(item, f"events[{index}]") for index, item in enumerate(items) if _concerns(item, uid)]
    events = [event for event in found if event.reason]
    return tuple(sorted(events, key=lambda event: event.time or 0)[-500:])


def read_nodes(value: object) -> tuple[dict[str, str], ...]:
    """The allocatable resources of each node of a list that takes pods."""
    value = parsed(value)
    items = value if isinstance(value, list) else list_of(value, "items", most=5000)
    nodes = (texts_of(item, "status", "allocatable") for item in items)
    return tuple(node for node in nodes if node)


def _conditions(status: dict[str, Any]) -> Iterator[Condition]:
    for index, item in enumerate(list_of(status, "conditions")):
        yield Condition(
            type=text_of(item, "type"),
            status=text_of(item, "status"),
            reason=text_of(item, "reason"),
            message=text_of(item, "message"),
            time=time_of(item, "lastTransitionTime"),
            source=f"pod.status.conditions[{index}]",
        )


def _containers(spec: dict[str, Any], status: dict[str, Any], base: str) -> tuple[Container, ...]:
    specs = {(key, text_of(item, "name")): item for key in _STATUSES for item in list_of(spec, key)}
    statuses = {
        (key, text_of(item, "name")): (item, f"pod.status.{field}[{index}]")
        for key, field in _STATUSES.items()
        for index, item in enumerate(list_of(status, field))
    }
    names = [name for key, name in (specs or statuses) if key == "containers"]
    if base not in names and names:
        base = names[0]
    found = []
    for key, name in dict.fromkeys([*specs, *statuses]):
        one, source = statuses.get((key, name), ({}, f"pod.status.{_STATUSES[key]}"))
        role = "init" if key == "initContainers" else "base" if name == base else "sidecar"
        found.append(_container(name, cast(Role, role), specs.get((key, name)), one, source))
    order: tuple[Role, ...] = ("init", "base", "sidecar")
    return tuple(sorted(found, key=lambda container: order.index(container.role)))


def _container(name: str, role: Role, spec: object, status: object, source: str) -> Container:
    state = map_of(status, "state")
    kind: Any = next((key for key in ("terminated", "running", "waiting") if isinstance(state.get(key), dict)), "")
    return Container(
        name=name,
        role=role,
        source=source,
        state=kind,
        reason=text_of(state.get("waiting"), "reason"),
        message=text_of(state.get("waiting"), "message"),
        end=_end(state.get("terminated")),
        previous=_end(map_of(status, "lastState").get("terminated")),
        restarts_always=text_of(spec, "restartPolicy") == "Always",
        image=text_of(spec, "image") or text_of(status, "image"),
        limits=texts_of(spec, "resources", "limits"),
        requests=texts_of(spec, "resources", "requests"),
        started=time_of(state.get("running"), "startedAt"),
    )


def _end(value: object) -> End | None:
    if not isinstance(value, dict):
        return None
    return End(
        reason=text_of(value, "reason"),
        message=lines_of(value, "message"),
        exit_code=whole_of(value, "exitCode"),
        started=time_of(value, "startedAt"),
        finished=time_of(value, "finishedAt"),
    )


def _concerns(value: object, uid: str) -> bool:
    other = text_of(_subject(value), "uid")
    return not uid or not other or uid == other


def _subject(value: object) -> dict[str, Any]:
    return map_of(value, "involvedObject") or map_of(value, "regarding")  # core/v1, events.k8s.io/v1


def _event(value: object, source: str) -> Event:
    series = map_of(value, "series")
    times = (
        time_of(value, "lastTimestamp"),
        time_of(series, "lastObservedTime"),
        time_of(value, "deprecatedLastTimestamp"),
        time_of(value, "eventTime"),
        time_of(map_of(value, "metadata"), "creationTimestamp"),
    )
    field = text_of(_subject(value), "fieldPath")  # spec.containers{base}
    return Event(
        reason=text_of(value, "reason"),
        message=text_of(value, "message") or text_of(value, "note"),
        warning=text_of(value, "type") == "Warning",
        container=field.partition("{")[2].rstrip("}"),
        count=whole_of(value, "count") or whole_of(series, "count") or 1,
        time=next((time for time in times if time is not None), None),
        source=source,
    )
