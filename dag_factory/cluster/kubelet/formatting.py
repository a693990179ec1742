"""Durations: the kubelet's back-off, and how messages show a duration."""

from __future__ import annotations

BACK_OFF = (10.0, 300.0)  # seconds: the first and the longest wait between two attempts


def format_duration(seconds: float) -> str:
    """A duration as Go prints it: ``10s``, ``2m40s``, ``412ms``."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:g}s"
    return f"{int(seconds // 60)}m{int(seconds % 60)}s"
