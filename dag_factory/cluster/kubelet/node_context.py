"""What all pods of the node share. The kubelet makes one and hands it to each pod's worker."""

from __future__ import annotations

from dataclasses import dataclass

from ..objects.events import Recorder
from ..objects.store import Store
from ..runtime.engine import Engine
from .folders import NodeFolders


@dataclass(frozen=True)
class NodeContext:
    """``size`` is the node's capacity, as quantities."""

    store: Store
    engine: Engine
    recorder: Recorder
    folders: NodeFolders
    size: dict[str, str]
