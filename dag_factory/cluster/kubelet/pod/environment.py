"""A container's environment variables: values, references to objects and fields, and ``$(NAME)`` references."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from typing import Any

from ...objects.quantity import parse
from ...objects.store import Object

Find = Callable[[str, str], "Object | None"]  # (resource, name) in the pod's namespace

_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class ConfigError(Exception):
    """A variable or volume refers to a missing object or key. The container's status: CreateContainerConfigError."""


def expand(text: str, env: dict[str, str]) -> str:
    """Replace ``$(NAME)`` with the variable's value and ``$$`` with ``$``. Unknown names stay as they are."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return env.get(match[1], match[0])

    return _REFERENCE.sub(replace, text)


def service_variables(address: str) -> dict[str, str]:
    """The variables for the service ``kubernetes``, which is the API at ``address`` (``HOST:PORT``)."""
    host, _, port = address.rpartition(":")
    url = f"tcp://{address}"
    return {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "KUBERNETES_SERVICE_PORT_HTTPS": port,
        "KUBERNETES_PORT": url,
        "KUBERNETES_PORT_443_TCP": url,
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": port,
        "KUBERNETES_PORT_443_TCP_ADDR": host,
    }


def build_environment(
    pod: Object, container: dict[str, Any], find: Find, node: dict[str, str], first: dict[str, str]
) -> dict[str, str]:
    """The variables of a container, after those in ``first``. Raises ConfigError.

    ``node``: the capacity, for resource fields without a limit.
    """
    env = dict(first)
    for source in container.get("envFrom") or []:
        prefix = source.get("prefix") or ""
        env |= {f"{prefix}{key}": value for key, value in _from_source(source, find).items()}
    for entry in container.get("env") or []:
        if entry.get("valueFrom"):
            value = _value_from(entry["valueFrom"], pod, container, find, node)
            if value is None:
                continue
        else:
            value = expand(entry.get("value") or "", env)
        env[entry["name"]] = value
    return env


def contents(resource: str, obj: Object) -> dict[str, bytes]:
    """The data of a secret or config map."""
    if resource == "secrets":
        return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    text = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return text | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def field(path: str, pod: Object) -> str:
    """A field of the downward API, as text. Raises ConfigError for an unsupported field."""
    match = _SUBSCRIPT.fullmatch(path)
    meta, spec, status = pod["metadata"], pod["spec"], pod["status"]
    if match:
        return str((meta.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        values = meta.get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
    simple = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": status.get("hostIP", ""),
        "status.hostIPs": status.get("hostIP", ""),
        "status.podIP": status.get("podIP", status.get("hostIP", "")),
        "status.podIPs": status.get("podIP", status.get("hostIP", "")),
    }
    if path not in simple:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str(simple[path])


def resource_field(selector: dict[str, Any], pod: Object, container: dict[str, Any], node: dict[str, str]) -> str:
    """A resource field such as ``limits.cpu``, divided by the divisor and rounded up. Default: the node's capacity."""
    group, _, name = selector["resource"].partition(".")
    container_name = selector.get("containerName")
    if container_name:
        every = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
        container = next((c for c in every if c["name"] == container_name), container)
    own = (container.get("resources") or {}).get(group, {}).get(name)
    value = own if own is not None else (node.get(name, "0") if group == "limits" else "0")
    divisor = parse(selector.get("divisor") or "1") or 1
    return str(math.ceil(parse(value) / divisor))


def _from_source(source: dict[str, Any], find: Find) -> dict[str, str]:
    for key, resource, kind in (("configMapRef", "configmaps", "configmap"), ("secretRef", "secrets", "secret")):
        if source.get(key):
            reference = source[key]
            obj = find(resource, reference["name"])
            if obj is not None:
                return {k: v.decode(errors="replace") for k, v in contents(resource, obj).items()}
            if not reference.get("optional"):
                raise ConfigError(f'{kind} "{reference["name"]}" not found')
    return {}


def _value_from(
    source: dict[str, Any], pod: Object, container: dict[str, Any], find: Find, node: dict[str, str]
) -> str | None:
    if source.get("fieldRef"):
        return field(source["fieldRef"]["fieldPath"], pod)
    if source.get("resourceFieldRef"):
        return resource_field(source["resourceFieldRef"], pod, container, node)
    for key, resource, kind in (("configMapKeyRef", "configmaps", "configmap"), ("secretKeyRef", "secrets", "secret")):
        if source.get(key):
            reference = source[key]
            obj = find(resource, reference["name"])
            if obj is None:
                if reference.get("optional"):
                    return None
                raise ConfigError(f'{kind} "{reference["name"]}" not found')
            values = contents(resource, obj)
            if reference["key"] not in values:
                if reference.get("optional"):
                    return None
                title = {"configmaps": "ConfigMap", "secrets": "Secret"}[resource]
                namespace = pod["metadata"]["namespace"]
                raise ConfigError(f"couldn't find key {reference['key']} in {title} {namespace}/{reference['name']}")
            return values[reference["key"]].decode(errors="replace")
    raise ConfigError("a variable has an empty valueFrom")
