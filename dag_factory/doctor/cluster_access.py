"""Which cluster an environment uses, as far as this process can know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from dag_factory.config.model import Cluster

DEFAULT_CONNECTION = "kubernetes_default"


class ClusterAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a cluster. ``source`` says which setting chose it.

    ``unknown`` is why nobody can tell, with ``fix``; then the other fields have no meaning. ``content`` is the text of
    a kubeconfig, which may have secrets: it is not part of any message. ``namespace``: the one for pods whose
    environment sets none.
    """

    source: str = ""
    kubeconfig: Path | None = None
    content: str = ""
    context: str | None = None
    in_cluster: bool = False
    namespace: str = "default"
    unknown: str = ""
    fix: str = ""

    def __repr__(self) -> str:  # without ``content``
        return f"ClusterAccess({self.source!r})"


def find_access(
    environment: str,
    cluster: Cluster,
    environ: Mapping[str, str],
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    local: ClusterAccess | None = None,
) -> ClusterAccess:
    """Return the cluster of an environment: from the options, the local cluster, or the Airflow connection."""
    if kubeconfig or context:
        names = [f"--kubeconfig {kubeconfig}"] if kubeconfig else []
        names += [f"--context {context}"] if context else []
        return ClusterAccess(source=" ".join(names), kubeconfig=kubeconfig, context=context)
    if local is not None:
        return local
    name = cluster.kubernetes_conn_id or DEFAULT_CONNECTION
    variable = f"AIRFLOW_CONN_{name.upper()}"
    if value := environ.get(variable):
        return _from_connection(variable, value, cluster)
    if cluster.in_cluster:
        if not environ.get("KUBERNETES_SERVICE_HOST"):
            return ClusterAccess(
                unknown=f"{environment} uses the cluster of Airflow (`in_cluster: true`), and this is not a pod",
                fix="run `dagf doctor` in a pod of the scheduler or a worker, or name the cluster with --context",
            )
        return ClusterAccess(source="in_cluster: true", in_cluster=True)
    return ClusterAccess(
        unknown=f"the Airflow connection `{name}` has the cluster, and {variable} is not set here",
        fix=f"name the cluster with --kubeconfig or --context, set {variable}, or run `dagf doctor` where Airflow runs",
    )


def _from_connection(variable: str, value: str, cluster: Cluster) -> ClusterAccess:
    extra = _extra(value)
    if extra is None:
        return ClusterAccess(
            unknown=f"{variable} is not a valid Airflow connection", fix=f"correct {variable}: JSON, or a URI"
        )
    namespace = str(extra.get("namespace") or "default")
    context = str(extra["cluster_context"]) if extra.get("cluster_context") else None
    is_inside = str(extra.get("in_cluster", "")).lower() in ("true", "1") or cluster.in_cluster is True
    if is_inside:
        return ClusterAccess(source=f"{variable}, inside the cluster", in_cluster=True, namespace=namespace)
    if path := extra.get("kube_config_path"):
        return ClusterAccess(
            source=f"{variable}, {path}", kubeconfig=Path(str(path)).expanduser(), context=context, namespace=namespace
        )
    if content := extra.get("kube_config"):
        text = content if isinstance(content, str) else json.dumps(content)
        return ClusterAccess(
            source=f"{variable}, with a kubeconfig inside", content=text, context=context, namespace=namespace
        )
    return ClusterAccess(source=f"{variable}, with the kubeconfig of kubectl", context=context, namespace=namespace)


def _extra(value: str) -> dict[str, Any] | None:
    """The extra fields of a connection, with short names; None if it cannot be read."""
    try:
        if value.lstrip().startswith("{"):
            found = json.loads(value).get("extra") or {}
        else:
            found = dict(parse_qsl(urlsplit(value).query))
            found = json.loads(found["__extra__"]) if "__extra__" in found else found
        found = json.loads(found) if isinstance(found, str) else found
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {key.removeprefix("extra__kubernetes__"): one for key, one in found.items()}
