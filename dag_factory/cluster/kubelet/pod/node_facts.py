"""What pods learn of the node that they run on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeFacts:
    """``size`` is the node's capacity, as quantities. ``api`` is the address of the API, ``HOST:PORT``."""

    name: str
    size: dict[str, str]
    api: str
    ip: str = "127.0.0.1"  # pods use the network of this machine
