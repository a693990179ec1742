"""Flavors: their definitions merged, their sizes computed, and their models."""

from __future__ import annotations

from dag_factory.config import model
from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source import documents
from dag_factory.config.tree import MapNode, Node, entries_of, is_set, map_node, text_of, whole_number

SIZE_KEYS = frozenset("cpu memory gpu shm ephemeral_storage requests limits cost_per_hour next".split())
_SIZED = SIZE_KEYS | {"pool"}
_SCHEMA = "flavors.schema.json"
_RESOURCES = {"cpu": "cpu", "memory": "memory", "ephemeral_storage": "ephemeral-storage"}
_GPU = "nvidia.com/gpu"


class FlavorEntry:
    """A flavor, and the layer that it adds below the keys of its jobs."""

    def __init__(self, flavor: model.Flavor, layer: MapNode, position: Position) -> None:
        self.flavor, self.layer, self.position = flavor, layer, position


def merge_definitions(table: MapNode, define: Node | None) -> dict[str, MapNode]:
    """The table's flavors with the environment's ``define`` merged over them."""
    merged = merge(table, define, shape(_SCHEMA).child("flavors"), unset=False)
    return {name: node for name, node in entries_of(merged).items() if isinstance(node, MapNode)}


def compute_size(name: str, node: MapNode, context: Context) -> tuple[MapNode, list[Problem]]:
    """The flavor with the expressions in its size computed. The keys for jobs are computed with each job."""
    sizes = map_node({key: item for key, item in node.entries.items() if key in _SIZED}, node.keys, node.position)
    computed, problems = documents.compute(sizes, context, _SCHEMA, "/$defs/flavor", ("flavors", name))
    rest = {key: item for key, item in node.entries.items() if key not in _SIZED}
    return map_node({**computed.entries, **rest}, node.keys, node.position), problems


def flavor_entry(name: str, node: MapNode) -> FlavorEntry:
    """The model of one flavor. ``node`` is valid against the schema."""
    sizes = {_RESOURCES[key]: node.entries[key] for key in _RESOURCES if is_set(node.get(key))}
    limits = {key: text_of(value) or "" for key, value in sizes.items()}
    requests = dict(limits)
    count, resource = _gpu(node.get("gpu"))
    if count:
        limits[resource] = requests[resource] = str(count)
    for kind, quantities in (("requests", requests), ("limits", limits)):
        for key, value in node.map(kind).entries.items():
            if is_set(value):
                quantities[_RESOURCES.get(key, key)] = text_of(value) or ""
    cost = node.scalar("cost_per_hour")
    flavor = model.Flavor(
        name=name,
        requests=requests,
        limits=limits,
        gpu_count=count,
        gpu_resource=resource,
        shm=node.text("shm"),
        pool=node.text("pool"),
        cost_per_hour=float(cost.value) if cost and cost.value is not None else None,
        next=node.text("next"),
    )
    layer = {key: value for key, value in node.entries.items() if key not in SIZE_KEYS}
    return FlavorEntry(flavor, map_node(layer, node.keys, node.position), node.position)


def _gpu(node: Node | None) -> tuple[int, str]:
    """The number of GPUs, and the resource that Kubernetes counts them under."""
    if isinstance(node, MapNode):
        count = whole_number(node.get("count"))
        return 1 if count is None else count, node.text("resource") or _GPU
    return whole_number(node) or 0, _GPU
