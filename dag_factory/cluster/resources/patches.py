"""The three patch types of the API: JSON merge (RFC 7386), JSON (RFC 6902) and strategic merge."""

from __future__ import annotations

import copy
import json
from typing import Any

from .errors import ApiError, bad_request, unsupported_media_type

TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)

_MAX_OPERATIONS = 10_000
_MAX_COPIED = 3 * 1024 * 1024  # bytes of JSON

# Lists whose objects a strategic merge matches by a key. All other lists are replaced.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "conditions": "type",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "ownerReferences": "uid",
    "topologySpreadConstraints": "topologyKey",
    "secrets": "name",
}
_SETS = {"finalizers"}  # lists of scalar values that are merged


def apply(content_type: str, target: Any, patch: Any) -> Any:
    """The patched copy of ``target``. Raises a 400, 415 or 422 worded as the API's."""
    kind = content_type.split(";")[0].strip()
    if kind == "application/json-patch+json":
        return json_patch(target, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    if kind == "application/merge-patch+json":
        return merge_patch(target, patch)
    if kind == "application/strategic-merge-patch+json" or is_apply(kind):  # both merge lists by key
        try:
            return strategic_merge_patch(target, patch)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise bad_request(f"invalid strategic merge patch: {error}") from error
    raise unsupported_media_type(TYPES)


def is_apply(content_type: str) -> bool:
    """Whether a patch is a server-side apply, which creates a missing object."""
    return content_type.startswith("application/apply-patch+yaml")


def merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge_patch(target: Any, patch: Any, name: str = "") -> Any:
    if isinstance(patch, list):
        return _strategic_list(target if isinstance(target, list) else [], patch, name)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$setElementOrder/") or key in ("$patch", "$retainKeys"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [item for item in result.get(field, []) if item not in value]
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = strategic_merge_patch(result.get(key), value, key)
    if isinstance(patch.get("$retainKeys"), list):
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    return result


def _strategic_list(target: list[Any], patch: list[Any], name: str) -> list[Any]:
    key = _KEYS.get(name)
    if name in _SETS:
        return target + [item for item in patch if item not in target]
    if key is None or not all(isinstance(item, dict) for item in patch):
        return copy.deepcopy(patch)
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    result = list(target)
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        index = next((i for i, old in enumerate(result) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if index is not None:
                del result[index]
        elif index is None:
            result.append(strategic_merge_patch({}, item))
        else:
            result[index] = strategic_merge_patch(result[index], item)
    return result


def json_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    if len(patch) > _MAX_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(patch)}"
        raise ApiError(413, "RequestEntityTooLarge", text)
    document, copied = copy.deepcopy(target), 0
    for operation in patch:
        try:
            if operation["op"] == "copy":
                copied += len(json.dumps(_at(document, _pointer(operation["from"]))))
                if copied > _MAX_COPIED:
                    text = f"Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding"
                    raise ApiError(413, "RequestEntityTooLarge", f"{text} the limit {_MAX_COPIED}")
            document = _operate(document, operation)
        except (AttributeError, KeyError, IndexError, ValueError, TypeError) as error:
            raise ApiError(
                422, "Invalid", f"the server rejected our request due to an error in our request: {error}", {}
            ) from error
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation["op"], _pointer(operation["path"])
    if name in ("move", "copy"):
        source = _pointer(operation["from"])
        value = copy.deepcopy(_at(document, source))
        if name == "move":
            document = _operate(document, {"op": "remove", "path": operation["from"]})
        return _operate(document, {"op": "add", "path": operation["path"], "value": value})
    if name == "test":
        if _at(document, path) != operation["value"]:
            raise ValueError(f"testing value {operation['path']} failed: test failed")
        return document
    if name not in ("add", "replace", "remove"):
        raise ValueError(f"Unexpected kind: {name}")
    if not path:
        return operation.get("value")
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        index = len(parent) if last == "-" else int(last)
        if name == "add":
            parent.insert(index, operation["value"])
        elif name == "replace":
            parent[index] = operation["value"]
        else:
            del parent[index]
    elif name == "remove":
        del parent[last]
    elif name == "replace" and last not in parent:
        raise KeyError(f"replace operation does not apply: doc is missing key: {operation['path']}")
    else:
        parent[last] = operation["value"]
    return document


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
