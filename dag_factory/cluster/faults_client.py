"""Trouble on demand: evict a pod, let memory run out, lose the node, make the API fail. From any process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .client import request_json


def evict(state: Path, pod: str, namespace: str = "default") -> None:
    """As a node that is short of memory does: the pod fails, with the reason Evicted. Raises ClusterError."""
    request_json(state, "/dagf/evict", "POST", {"pod": pod, "namespace": namespace})


def fail_pods(
    state: Path, kind: str, pod: str = "*", *, namespace: str = "*", times: int = 1, after: float = 0.0
) -> dict[str, Any]:
    """``kind`` is ``oom`` or ``evict``; it strikes running pods whose name matches, and then the next that do.

    ``after`` is in seconds of a container's running. Returns ``struck``, how many at once, and ``faults``, what
    stands. Raises ClusterError.
    """
    body = {"kind": kind, "pod": pod, "namespace": namespace, "times": times, "after": after}
    answer: dict[str, Any] = request_json(state, "/dagf/faults", "POST", body)
    return answer


def lose_node(state: Path, seconds: float = 5.0) -> None:
    """Every process of every pod is gone, and ``seconds`` later the pods are. Raises ClusterError."""
    request_json(state, "/dagf/faults", "POST", {"node_lost": seconds})


def set_api_errors(state: Path, share: float) -> None:
    """This share (0 to 1) of the API's answers are errors from now on. Raises ClusterError."""
    request_json(state, "/dagf/faults", "POST", {"api_errors": share})


def clear(state: Path) -> None:
    """Faults that wait strike nobody, and the API answers. Raises ClusterError."""
    request_json(state, "/dagf/faults", "DELETE")
