"""Requests to a Kubernetes API: bounded in time and size, without redirects, and never with the content of a secret."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException

from dag_factory.doctor.cluster_access import ClusterAccess
from dag_factory.doctor.finding import short

_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_MOST_BYTES = 1_000_000
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.1"


class NoCluster(Exception):
    """The configuration cannot be used. The text has no secret."""


class Response(msgspec.Struct, frozen=True):
    """``status`` is 0 if there was no response; then ``message`` says why. ``body`` is JSON, or None."""

    status: int
    message: str
    body: Any = None


class KubernetesApi:
    """One cluster. Its methods may run at the same time."""

    def __init__(self, access: ClusterAccess) -> None:
        """Read the configuration. May start the login program that it names. Raises ``NoCluster``."""
        settings = client.Configuration()
        try:
            if access.in_cluster:
                config.load_incluster_config(settings)
            elif access.content:
                config.load_kube_config_from_dict(yaml.safe_load(access.content), access.context, settings)
            else:
                file = str(access.kubeconfig) if access.kubeconfig else None
                config.load_kube_config(file, access.context, settings)
        except ConfigException as failure:
            raise NoCluster(_reason(access, failure)) from None
        except (OSError, ValueError, TypeError, AttributeError, KeyError, yaml.YAMLError) as failure:
            raise NoCluster(_reason(access, failure)) from None
        settings.retries = False
        self.host = short(settings.host)
        self._api: Any = client.ApiClient(settings)  # its stubs lack what follows
        self._url = settings.host.rstrip("/")

    def get(self, path: str) -> Response:
        """Ask for the metadata of an object."""
        return self._send("GET", path, None)

    def post(self, path: str, body: Any) -> Response:
        """Create a review: an object that the API answers and does not store."""
        return self._send("POST", path, json.dumps(body))

    def _send(self, method: str, path: str, body: str | None) -> Response:
        headers = {"Accept": _METADATA_ONLY if method == "GET" else "application/json", "User-Agent": "dagf-doctor"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._api.update_params_for_auth(headers, [], ["BearerToken"])
        try:
            response = self._api.rest_client.pool_manager.request(
                method, self._url + path, body=body, headers=headers, timeout=_TIMEOUT, retries=False, redirect=False,
                preload_content=False,
            )  # fmt: skip
            try:
                content = response.read(_MOST_BYTES + 1)
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as failure:
            return Response(0, short(failure))
        if len(content) > _MOST_BYTES:
            return Response(0, f"the response is larger than {_MOST_BYTES:,} bytes")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            return Response(response.status, short(response.reason or ""))
        message = found.get("message", "") if isinstance(found, dict) else ""
        return Response(response.status, short(message), found)


def _reason(access: ClusterAccess, failure: Exception) -> str:
    """Why a configuration cannot be used. An error about a file with secrets could quote them, so it is left out."""
    if isinstance(failure, (ConfigException, OSError)) and not access.content:
        return short(failure)
    return "it is not a valid kubeconfig"
