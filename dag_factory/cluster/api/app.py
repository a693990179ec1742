"""The FastAPI application: routes each request to its handler and answers every failure with a ``Status``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp

from ..config import CLIENT_AGENT
from ..kubelet.kubelet import Kubelet
from ..objects.store import Store
from ..resources import errors, patches
from ..resources.decoding import decode
from ..resources.errors import ApiError
from ..resources.kinds import Target, parse_path
from ..resources.operations import Objects
from ..resources.query import bool_param, delete_options
from . import discovery, exec, logs, openapi, reviews, tables, watch
from .admin import Admin
from .messages import JSON, json_response, read_body
from .metrics import Metrics
from .token_guard import TokenGuard

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What the handlers need. ``describe`` returns the status of the cluster for ``/dagf/status``."""

    store: Store
    kubelet: Kubelet
    describe: Callable[[], dict[str, Any]]


def make_app(services: Services, token: str, address: str) -> ASGIApp:
    app = FastAPI(title="dagf local cluster", docs_url=None, redoc_url=None, openapi_url=None)
    objects = Objects(services.store)
    metrics = Metrics(services.kubelet)
    admin = Admin(services.kubelet, services.describe)

    @app.websocket("/{path:path}")
    async def upgrade(socket: WebSocket, path: str) -> None:
        try:
            target = parse_path(path)
            pod = objects.read(Target(target.resource, target.namespace, target.name))
            if target.subresource != "exec":
                raise errors.no_such_path()
            await exec.serve(socket, services.kubelet, pod)
        except ApiError as error:
            await socket.send_denial_response(json_response(error.body(), error.code))

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    async def request(request: Request, path: str) -> Response:
        try:
            if path.startswith("dagf/"):
                body = await read_body(request, "request", empty=True)
                return json_response(admin.answer(request.method, path.removeprefix("dagf/"), body))
            if request.headers.get("user-agent") != CLIENT_AGENT and (failure := admin.simulated_failure()) is not None:
                raise failure
            if request.method in ("GET", "HEAD") and (fixed := _fixed_path(request, path, address)) is not None:
                return fixed
            if request.method == "GET" and (usage := metrics.answer(path.strip("/"), request.query_params)) is not None:
                return json_response(usage)
            if (kind := reviews.kind_at(path)) is not None:
                if request.method != "POST":
                    raise errors.method_not_allowed()
                return json_response(reviews.answer(kind, await read_body(request, kind)), 201)
            return await _handle(request, parse_path(path), objects, services)
        except ApiError as error:
            return json_response(error.body(), error.code)
        except Exception as error:
            log.exception("%s /%s failed", request.method, path)
            text = f"Internal error occurred: {error!r}"
            return json_response(
                ApiError(500, "InternalError", text, {"causes": [{"message": repr(error)}]}).body(), 500
            )

    return TokenGuard(app, token)


async def _handle(request: Request, target: Target, objects: Objects, services: Services) -> Response:
    query, method = request.query_params, request.method
    verb = _verb(method, target)
    if verb not in target.resource.verbs or (target.subresource and not _allows(target.subresource, method)):
        raise errors.method_not_allowed()
    if target.subresource == "log":
        return _text_stream(logs.open_log(services.kubelet, objects.read(_object(target)), query))
    if target.subresource == "exec":
        raise errors.bad_request("Upgrade request required")
    if target.subresource == "eviction":
        body = await read_body(request, "Eviction")
        eviction = decode("Eviction", body).object
        objects.delete(_object(target), delete_options(eviction.get("deleteOptions"), query))
        return json_response(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
        )
    as_table = tables.is_requested(request.headers.get("accept", ""))
    include = tables.included(query) if as_table else ""
    if verb == "get":
        found = objects.read(target)
        return json_response(
            tables.make_table(target.resource, [found], found["metadata"], include) if as_table else found
        )
    if verb == "list" and bool_param(query, "watch"):
        changes = watch.stream(services.store, target, query, table=include)
        return StreamingResponse(changes, media_type=JSON)
    if verb == "list":
        found = objects.list(target, query)
        return json_response(
            tables.make_table(target.resource, found["items"], found["metadata"], include) if as_table else found
        )
    if verb == "create":
        return json_response(objects.create(target, await read_body(request, target.resource.kind), query), 201)
    if verb == "update":
        return json_response(objects.replace(target, await read_body(request, target.resource.kind), query))
    if verb == "patch":
        body = await read_body(request, target.resource.kind)
        content_type = request.headers.get("content-type", "")
        if patches.is_apply(content_type) and not target.subresource and not objects.exists(target):
            return json_response(objects.apply_new(target, body, query), 201)
        return json_response(objects.patch(target, content_type, body, query))
    body = await read_body(request, "DeleteOptions", empty=True)
    options = delete_options(decode("DeleteOptions", body).object, query)
    if verb == "delete":
        return json_response(objects.delete(target, options))
    return json_response(objects.delete_collection(target, options, query))


def _verb(method: str, target: Target) -> str:
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch"}
    if method in verbs:
        if (method == "POST") == bool(target.name) and not target.subresource:
            raise errors.method_not_allowed()
        return verbs[method]
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return "get" if target.name else "list"


def _allows(subresource: str, method: str) -> bool:
    allowed = {"log": ("GET",), "exec": ("GET", "POST"), "eviction": ("POST",), "status": ("GET", "PUT", "PATCH")}
    return method in allowed[subresource]


def _object(target: Target) -> Target:
    """The object, without its subresource."""
    return Target(target.resource, target.namespace, target.name)


def _text_stream(chunks: AsyncIterator[bytes]) -> Response:
    # Like the real API server, without a charset: clients decode the bytes themselves.
    return StreamingResponse(chunks, headers={"content-type": "text/plain"})


def _fixed_path(request: Request, path: str, address: str) -> Response | None:
    path = path.strip("/")
    if path in ("healthz", "livez", "readyz"):
        return PlainTextResponse("ok")
    parts = path.split("/")
    body: dict[str, Any] | None = None
    if path == "version":
        body = discovery.version()
    elif path == "api":
        body = discovery.core(address)
    elif path == "apis":
        body = discovery.groups()
    elif path == "api/v1":
        body = discovery.resources("", "v1")
    elif path == "openapi/v3":
        body = openapi.index()
    elif path == "openapi/v2" and openapi.V2_ACCEPT in request.headers.get("accept", ""):
        return Response(b"", media_type=openapi.V2_TYPE)
    elif parts[0] == "openapi":
        found = openapi.document(path.removeprefix("openapi/v3/"))
        return Response(found, media_type=JSON) if found is not None else None
    elif parts[0] == "apis" and len(parts) == 2:
        body = discovery.group(parts[1])
    elif parts[0] == "apis" and len(parts) == 3:
        body = discovery.resources(parts[1], parts[2])
    return json_response(body) if body is not None else None
