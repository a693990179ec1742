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


async def read_body(request: Request, kind: str, *, empty: bool = False) -> Any:
    """The decoded body. ``empty``: the request may have none. Raises a 400, 413 or 415 worded as the API's."""
    content_type = request.headers.get("content-type", JSON).split(";")[0].strip()
    data = await request.body()
    if not data and empty:
        return {}
    if len(data) > _MAX_BODY:
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_MAX_BODY}")
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
        return json.loads(data)
    except ValueError as error:
        text = data[:80].decode(errors="replace")
        problem = "unexpected end of JSON input" if getattr(error, "pos", 0) >= len(data.rstrip()) - 1 else str(error)
        raise errors.bad_request(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {problem} ({text})"
        ) from error


def _yaml(data: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise errors.bad_request(f"error decoding YAML: {error}") from error


def json_response(body: Mapping[str, Any], code: int = 200) -> Response:
    headers = {"Retry-After": "1"} if code == 429 else None
    return Response(json.dumps(body, separators=(",", ":")).encode(), code, headers, media_type=JSON)
