"""What all pods of the node share. The kubelet makes one and hands it to each pod's worker."""

from __future__ import annotations

from dataclasses import dataclass

from ..objects.events import Recorder
from ..objects.store import Store
from ..runtime.engine import Engine
from .folders import NodeFolders
from .pod.node_facts import NodeFacts


@dataclass(frozen=True)
class NodeContext:
    """``strict_volumes``: only root can write to claims, unless the pod has an ``fsGroup``."""

    store: Store
    engine: Engine
    recorder: Recorder
    folders: NodeFolders
    facts: NodeFacts
    strict_volumes: bool = False
