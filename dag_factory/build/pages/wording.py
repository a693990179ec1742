"""Sizes, alerts and other phrases that the pages of DAGs and tasks share."""

from __future__ import annotations

from collections.abc import Mapping

from dag_factory.build.pages.markdown import code, escape
from dag_factory.config import model


def flavor_size(flavor: model.Flavor) -> str:
    """Return the size of a flavor in short: ``4 CPU, 16Gi, 1 × nvidia.com/gpu``."""
    devices = {flavor.gpu_resource: flavor.gpu_count} if flavor.gpu_count else {}
    size = _size(flavor.limits or flavor.requests, devices)
    return f"{size}, {escape(flavor.shm)} shared memory" if flavor.shm else size


def container_size(amounts: Mapping[str, str]) -> str:
    """Return the limits or the requests of a container in short."""
    return _size(amounts, {name: number for name, number in amounts.items() if "/" in name})


def _size(amounts: Mapping[str, str], devices: Mapping[str, object]) -> str:
    words = [
        f"{amounts['cpu']} CPU" if "cpu" in amounts else "",
        amounts.get("memory", ""),
        *(f"{number} × {name}" for name, number in devices.items()),
        f"{amounts['ephemeral-storage']} disk" if "ephemeral-storage" in amounts else "",
    ]
    return ", ".join(escape(word) for word in words if word)


def alert_lines(alerts: model.Alerts, kinds: Mapping[str, str] | None = None) -> list[str]:
    """Return a line for each event with the channels that it notifies. ``kinds`` has the kind of each channel."""
    lines = []
    for event in ("failure", "success", "retry", "deadline"):
        channels = [f"{code(name)} ({kinds[name]})" if kinds else code(name) for name in getattr(alerts, f"on_{event}")]
        if channels:
            lines.append(f"on {event}: notify {', '.join(channels)}")
    return lines


def without_effect(lines: list[str]) -> str:
    """Return a list of settings that are read and checked, but not implemented yet."""
    return "\n".join(["Without effect yet:", "", *(f"- {line}" for line in lines)]) if lines else ""
