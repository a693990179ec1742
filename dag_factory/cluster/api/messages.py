"""The bodies of requests and responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from ..resources import errors
from ..resources.errors import ApiError
from . import protobuf

JSON = "application/json"
_MAX_BODY = 3 * 1024 * 1024  # bytes, the limit of the real API server
_MAX_DEPTH = 100  # no object of the API is deeper; functions that call themselves for each level must not fail
_MAX_NODES = 500_000  # of a YAML body with aliases


async def read_body(request: Request, kind: str, *, empty: bool = False) -> Any:
    """The decoded body. ``empty``: the request may have none. Raises a 400, 413 or 415 worded as the API's."""
    content_type = request.headers.get("content-type", JSON).split(";")[0].strip()
    data = await _read(request)
    if not data and empty:
        return {}
    body = _parse(content_type, data, kind)
    if _is_too_deep(body):
        raise _unrecognized(kind, "exceeded max depth", data)
    return body


async def _read(request: Request) -> bytes:
    """The bytes of the body. Stops at the limit, so that a larger body is never in memory."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MAX_BODY:
            raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_MAX_BODY}")
    return bytes(data)


def _parse(content_type: str, data: bytes, kind: str) -> Any:
    if content_type == protobuf.MEDIA_TYPE:
        try:
            return protobuf.decode(data)
        except protobuf.DecodeError as error:
            raise errors.unsupported_media_type((JSON, "application/yaml"), str(error)) from error
    if content_type == "application/apply-patch+yaml" or content_type == "application/yaml":
        return _yaml(data)
    if "json" not in content_type and content_type != "*/*":
        raise errors.unsupported_media_type((JSON, "application/yaml"))
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _unrecognized(kind, "exceeded max depth", data) from error
    except ValueError as error:
        ended = getattr(error, "pos", 0) >= len(data.rstrip()) - 1
        raise _unrecognized(kind, "unexpected end of JSON input" if ended else str(error), data) from error


def _unrecognized(kind: str, problem: str, data: bytes) -> ApiError:
    text = data[:80].decode(errors="replace")
    return errors.bad_request(
        f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
        f"json parse error: {problem} ({text})"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _is_too_deep(body: Any) -> bool:
    level = [body]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _yaml(data: bytes) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Dates stay text, as in JSON."""

    Loader.yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        body = yaml.load(data, Loader)
        if b"*" in data and _has_more_nodes(body, _MAX_NODES):
            raise errors.bad_request("error decoding YAML: document contains excessive aliasing")
        # JSON has only strings as keys.
        return json.loads(json.dumps(body))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise errors.bad_request(f"error decoding YAML: {error}") from error


def _has_more_nodes(body: Any, limit: int) -> bool:
    waiting, seen = [body], 0
    while waiting and seen <= limit:
        value = waiting.pop()
        seen += 1
        if isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value
    return bool(waiting)


def json_response(body: Mapping[str, Any], code: int = 200) -> Response:
    headers = {"Retry-After": "1"} if code == 429 else None
    return Response(json.dumps(body, separators=(",", ":")).encode(), code, headers, media_type=JSON)
