"""Simulated faults, from any process: evict a pod, run out of memory, lose the node, make the API fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .client import request_json


def evict(state: Path, pod: str, namespace: str = "default") -> None:
    """Evict a pod as a node that runs low on memory does: it fails with the reason Evicted. Raises ClusterError."""
    request_json(state, "/dagf/evict", "POST", {"pod": pod, "namespace": namespace})


def fail_pods(
    state: Path, kind: str, pod: str = "*", *, namespace: str = "*", times: int = 1, after: float = 0.0
) -> dict[str, Any]:
    """Fail the next ``times`` pods that match, first those that run. ``kind`` is ``oom`` or ``evict``.

    ``pod`` and ``namespace`` are fnmatch patterns. ``after``: seconds that the container runs before the fault.
    Returns ``struck``, how many pods were struck at once, and ``faults``, the pending faults. Raises ClusterError.
    """
    body = {"kind": kind, "pod": pod, "namespace": namespace, "times": times, "after": after}
    answer: dict[str, Any] = request_json(state, "/dagf/faults", "POST", body)
    return answer


def lose_node(state: Path, seconds: float = 5.0) -> None:
    """Kill the processes of all pods. The pods are deleted ``seconds`` later. Raises ClusterError."""
    request_json(state, "/dagf/faults", "POST", {"node_lost": seconds})


def set_api_errors(state: Path, fraction: float) -> None:
    """Make this fraction (0 to 1) of the API's responses errors from now on. Raises ClusterError."""
    request_json(state, "/dagf/faults", "POST", {"api_errors": fraction})


def clear(state: Path) -> None:
    """Remove pending faults and stop API errors. Raises ClusterError."""
    request_json(state, "/dagf/faults", "DELETE")
