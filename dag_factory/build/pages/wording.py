"""Sizes, alerts and other phrases that the pages of DAGs and tasks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dag_factory.build.pages.markdown import code, escape
from dag_factory.config import model
from dag_factory.config.guards.sizes.resource_usage import GPU, pod_usage
from dag_factory.config.pod.containers import Container, job_containers
from dag_factory.config.units import duration_text, quantity_text


def flavor_size(flavor: model.Flavor) -> str:
    """Return the size of a flavor in short: ``4 CPU, 16Gi, 1 × nvidia.com/gpu``."""
    devices = {flavor.gpu_resource: flavor.gpu_count} if flavor.gpu_count else {}
    size = _size(flavor.limits or flavor.requests, devices)
    return f"{size}, {escape(flavor.shm)} shared memory" if flavor.shm else size


def operator_name(job: model.Job) -> str:
    """Return what the graph and the grid show for a job: ``cpu-small · 1 CPU, 2Gi``. Plain text, not Markdown."""
    if job.pod:  # the overlay may change the resources
        base = job_containers(job)[0]
        amounts = base.limits or base.requests
        words = _words(amounts, _devices(amounts))
    else:
        amounts = job.flavor.limits or job.flavor.requests
        words = _words(amounts, {job.flavor.gpu_resource: job.flavor.gpu_count} if job.flavor.gpu_count else {})
    return f"{job.flavor.name} · {', '.join(words)}" if words else job.flavor.name


def container_size(amounts: Mapping[str, str]) -> str:
    """Return the limits or the requests of a container in short."""
    return _size(amounts, _devices(amounts))


def pod_size(pod: model.Fragment, containers: Sequence[Container]) -> str:
    """Return the size of a whole pod in short: the most that it may use at one time."""
    usage = pod_usage(pod, containers)
    return container_size({name: quantity_text(amount) for name, amount in usage.items() if amount and name != GPU})


def _size(amounts: Mapping[str, str], devices: Mapping[str, object]) -> str:
    words = _words(amounts, devices)
    if "ephemeral-storage" in amounts:
        words.append(f"{amounts['ephemeral-storage']} disk")
    return ", ".join(map(escape, words))


def _devices(amounts: Mapping[str, str]) -> dict[str, str]:
    return {name: number for name, number in amounts.items() if "/" in name}


def _words(amounts: Mapping[str, str], devices: Mapping[str, object]) -> list[str]:
    """Return the processors, the memory and the devices in words."""
    words = [f"{amounts['cpu']} CPU"] if "cpu" in amounts else []
    if "memory" in amounts:
        words.append(amounts["memory"])
    return [*words, *(f"{number} × {name}" for name, number in devices.items())]


def deadline_text(pipeline: model.Pipeline) -> str:
    """Return when a run must have succeeded: ``by 07:00 (Europe/Berlin)``; empty without a deadline."""
    if pipeline.deadline_by is not None:
        return f"by {pipeline.deadline_by} ({pipeline.timezone})"
    return f"within {duration_text(pipeline.deadline)} after it is queued" if pipeline.deadline is not None else ""


def alert_lines(alerts: model.Alerts, kinds: Mapping[str, str] | None = None) -> list[str]:
    """Return a line for each event with the channels that it notifies. ``kinds`` has the kind of each channel."""
    lines = []
    for event in ("failure", "success", "retry", "deadline", "recovery"):
        channels = [f"{code(name)} ({kinds[name]})" if kinds else code(name) for name in getattr(alerts, f"on_{event}")]
        if channels:
            lines.append(f"on {event}: notify {', '.join(channels)}")
    return lines


def bullets(heading: str, lines: list[str]) -> str:
    """Return the lines as a list with a heading; an empty string without lines."""
    return "\n".join([heading, "", *(f"- {line}" for line in lines)]) if lines else ""


def alert_list(lines: list[str]) -> str:
    """Return a list of who is notified."""
    return bullets("Alerts:", lines)


def explain_command(pipeline: model.Pipeline, job: str = "") -> str:
    """Return the command that shows which file and line set each value."""
    words = " ".join(filter(None, ("dagf explain", pipeline.id, job, f"--env {pipeline.environment}")))
    return f"Where each value comes from: {code(words)}"
