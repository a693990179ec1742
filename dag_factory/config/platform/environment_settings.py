"""The settings of one environment: the merged file with its expressions computed, and what is read from it."""

from __future__ import annotations

from typing import Any

from dag_factory.config import model
from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.platform import environments
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import drop_nulls
from dag_factory.config.source import documents
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    as_map,
    at,
    entries_of,
    fragment,
    map_node,
    text_of,
    to_python,
    without,
)
from dag_factory.config.units import seconds

_SCHEMA = environments.SCHEMA
_COMPUTED_LATER = ("vars", "defaults")  # the first before everything else, the second for each pipeline
_FAIL_WAITING_AFTER = model.Cluster().fail_waiting_after
_STARTUP_CHECK_INTERVAL = 1.0


def compute_vars(environment: MapNode, name: str) -> tuple[dict[str, Any], list[Problem]]:
    """The values of ``vars``, which may use only the name of the environment."""
    node = environment.get("vars")
    if not isinstance(node, MapNode):
        return {}, []
    context = {"environment": name, "vars": {}}
    computed, problems = evaluate(drop_nulls(node, shape(_SCHEMA).child("vars")), context, ("vars",))
    return to_python(as_map(computed)), list(problems)


def compute_settings(environment: MapNode, context: Context) -> tuple[MapNode, list[Problem]]:
    """The other settings. ``flavors.define`` is left out: it is computed with the table of flavors."""
    settings = without(environment, *_COMPUTED_LATER)
    flavors = settings.map("flavors")
    if "define" in flavors.entries:
        entries = {**settings.entries, "flavors": without(flavors, "define")}
        settings = map_node(entries, settings.keys, settings.position)
    return documents.compute(as_map(drop_nulls(settings, shape(_SCHEMA))), context, _SCHEMA)


def cluster(settings: MapNode) -> model.Cluster:
    """The cluster that runs the pods."""
    node = settings.map("cluster")
    in_cluster = node.scalar("in_cluster")
    interval = node.text("startup_check_interval")
    patience = seconds(node.text("fail_waiting_after") or "")
    return model.Cluster(
        namespace=node.text("namespace"),
        kubernetes_conn_id=node.text("kubernetes_conn_id"),
        in_cluster=bool(in_cluster.value) if in_cluster else None,
        startup_check_interval=_seconds(interval) if interval else _STARTUP_CHECK_INTERVAL,
        xcom_sidecar=_xcom_sidecar(node.get("xcom_sidecar")),
        fail_waiting_after=_FAIL_WAITING_AFTER if patience is None else patience,
    )


def _xcom_sidecar(node: Node | None) -> model.XcomSidecar | None:
    fields: dict[str, Any] = fragment(node) if isinstance(node, MapNode) else {}
    return model.XcomSidecar(**fields) if fields else None


def _seconds(text: str) -> float:
    """The only duration that may be in milliseconds."""
    return int(text[:-2]) / 1000 if text.endswith("ms") else float(seconds(text) or _STARTUP_CHECK_INTERVAL)


def local_images(settings: MapNode) -> dict[str, str]:
    """The folder of each image pattern, for the local cluster."""
    images = entries_of(at(settings, ("cluster", "local", "images")))
    folders = {pattern: as_map(node).text("folder") for pattern, node in images.items()}
    return {pattern: folder for pattern, folder in folders.items() if folder is not None}


def mirrors(settings: MapNode) -> dict[str, str]:
    """The mirror of each registry, or of each registry with a path."""
    texts = {prefix: text_of(node) for prefix, node in entries_of(at(settings, ("images", "mirrors"))).items()}
    return {prefix: text for prefix, text in texts.items() if text is not None}


def alerts_enabled(settings: MapNode) -> bool:
    """Whether the environment sends alerts; by default it does."""
    enabled = settings.map("alerts").get("enabled")
    return not (isinstance(enabled, Scalar) and enabled.value is False)


def links(settings: MapNode) -> model.Links:
    """The templates of the URLs that pages and alerts link to."""
    node = settings.map("links")
    return model.Links(source=node.text("source"), pod=node.text("pod"), runbook=node.text("runbook"))


def job_layer(settings: MapNode) -> MapNode:
    """The keys of jobs that the environment sets outside ``defaults``."""
    policy = settings.map("images").get("pull_policy")
    if policy is None:
        return map_node({}, {}, settings.position)
    return map_node({"image_pull_policy": policy}, {"image_pull_policy": policy.position}, settings.position)
