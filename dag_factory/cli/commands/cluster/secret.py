"""``dagf cluster secret``: create or replace a secret."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder
from dag_factory.cluster.client import ResponseError, request_json


def secret(state: Path | None, namespace: str, name: str, values: Mapping[str, str]) -> int:
    """Create the secret ``name`` with these ``values`` by key, or replace it."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {**values}}
    path = f"/api/v1/namespaces/{namespace}/secrets"
    with cluster_errors():
        try:
            request_json(running_folder(state), path, "POST", body)
        except ResponseError as error:
            if error.code != HTTPStatus.CONFLICT:
                raise
            request_json(running_folder(state), f"{path}/{name}", "PUT", body)
    terminal.write(f"The secret {name} in {namespace} has the keys {', '.join(values)}.")
    return 0
