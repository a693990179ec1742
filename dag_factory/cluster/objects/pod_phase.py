"""The phase of a pod, as far as more than one part of the cluster decides by it."""

from __future__ import annotations

from .store import Object

FINISHED = ("Succeeded", "Failed")


def is_finished(pod: Object) -> bool:
    """Whether the pod has succeeded or failed: a phase that it never leaves."""
    return pod["status"].get("phase") in FINISHED
