"""Sizes, durations and alerts in a few words, for the pages of DAGs and tasks."""

from __future__ import annotations

from collections.abc import Mapping

from dag_factory.build.pages.markdown import code, escape
from dag_factory.config import model


def format_duration(seconds: int) -> str:
    """A length of time as the language writes it: ``1h30m``."""
    text = ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def describe_size(flavor: model.Flavor) -> str:
    """A flavor in few words: ``4 CPU, 16Gi, 1 × nvidia.com/gpu``."""
    have = flavor.limits or flavor.requests
    words = [
        f"{have['cpu']} CPU" if "cpu" in have else "",
        have.get("memory", ""),
        f"{flavor.gpu_count} × {flavor.gpu_resource}" if flavor.gpu_count else "",
        f"{have['ephemeral-storage']} disk" if "ephemeral-storage" in have else "",
        f"{flavor.shm} shared memory" if flavor.shm else "",
    ]
    return ", ".join(escape(word) for word in words if word)


def alert_lines(alerts: model.Alerts, kinds: Mapping[str, str] | None = None) -> list[str]:
    """Who is told of each event, a line for each."""
    lines = []
    for event in ("failure", "success", "retry", "deadline"):
        channels = [f"{code(name)} ({kinds[name]})" if kinds else code(name) for name in getattr(alerts, f"on_{event}")]
        if channels:
            lines.append(f"on {event}: tell {', '.join(channels)}")
    return lines


def without_effect(lines: list[str]) -> str:
    return "\n".join(["Without effect yet:", "", *(f"- {line}" for line in lines)]) if lines else ""
