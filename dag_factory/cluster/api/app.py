"""The FastAPI application: who may ask, which handler answers, and every failure as a ``Status``."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..config import CLIENT_AGENT
from ..kubelet.kubelet import Kubelet
from ..objects.store import Store
from ..resources import errors
from ..resources.errors import ApiError
from ..resources.kinds import Target, target
from ..resources.operations import Objects, delete_options, flag
from . import discovery, exec, logs, protobuf, tables, watch
from .admin import Admin
from .metrics import Metrics

log = logging.getLogger(__name__)

_JSON = "application/json"
_MAX_BODY = 3 * 1024 * 1024  # bytes, the real one's bound
_IN_SUBPROTOCOL = "base64url.bearer.authorization.k8s.io."


@dataclass(frozen=True)
class Services:
    """What the handlers work on. ``describe`` tells people about the cluster, at ``/dagf/status``."""

    store: Store
    kubelet: Kubelet
    describe: Callable[[], dict[str, Any]]


def make(services: Services, token: str, address: str) -> ASGIApp:
    app = FastAPI(title="dagf local cluster", docs_url=None, redoc_url=None, openapi_url=None)
    objects = Objects(services.store)
    metrics = Metrics(services.kubelet)
    admin = Admin(services.kubelet, services.describe)

    @app.websocket("/{path:path}")
    async def upgrade(socket: WebSocket, path: str) -> None:
        try:
            wanted = target(path)
            pod = objects.read(Target(wanted.resource, wanted.namespace, wanted.name))
            if wanted.subresource != "exec":
                raise errors.no_such_path()
            await exec.serve(socket, services.kubelet, pod)
        except ApiError as error:
            await socket.send_denial_response(_answer(error.body(), error.code))

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    async def request(request: Request, path: str) -> Response:
        try:
            if path.startswith("dagf/"):
                body = await _body(request, "request", empty=True)
                return _answer(admin.answer(request.method, path.removeprefix("dagf/"), body))
            if request.headers.get("user-agent") != CLIENT_AGENT and (failure := admin.failure()) is not None:
                raise failure
            if request.method in ("GET", "HEAD") and (known := _well_known(path, address)) is not None:
                return known
            if request.method == "GET" and (used := metrics.answer(path.strip("/"), request.query_params)) is not None:
                return _answer(used)
            return await _handle(request, target(path), objects, services)
        except ApiError as error:
            return _answer(error.body(), error.code)
        except Exception as error:
            log.exception("%s /%s failed", request.method, path)
            text = f"Internal error occurred: {error!r}"
            return _answer(ApiError(500, "InternalError", text, {"causes": [{"message": repr(error)}]}).body(), 500)

    return Guard(app, token)


class Guard:
    """Lets through who shows the token, as a bearer or, from a browser's WebSocket, in the subprotocol."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._knows(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await _answer(errors.unauthorized().body(), 401)(scope, receive, send)
        else:
            denial = _answer(errors.unauthorized().body(), 401)
            await WebSocket(scope, receive, send).send_denial_response(denial)

    def _knows(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                kind, _, given = value.partition(b" ")
                return bool(kind.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.token))
        for protocol in scope.get("subprotocols") or []:
            if protocol.startswith(_IN_SUBPROTOCOL):
                text = protocol[len(_IN_SUBPROTOCOL) :]
                try:
                    given = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
                except ValueError:
                    return False
                return hmac.compare_digest(given, self.token)
        return False


async def _handle(request: Request, wanted: Target, objects: Objects, services: Services) -> Response:
    query, method = request.query_params, request.method
    verb = _verb(method, wanted)
    if verb not in wanted.resource.verbs or (wanted.subresource and not _allowed(wanted.subresource, method)):
        raise errors.method_not_allowed()
    if wanted.subresource == "log":
        return _text_stream(logs.open_log(services.kubelet, objects.read(_whole(wanted)), query))
    if wanted.subresource == "exec":
        raise errors.bad_request("Upgrade request required")
    if wanted.subresource == "eviction":
        body = await _body(request, wanted.resource.kind)
        objects.delete(_whole(wanted), delete_options(body.get("deleteOptions"), query))
        return _answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
    as_table = tables.wanted(request.headers.get("accept", ""))
    if verb == "get":
        found = objects.read(wanted)
        return _answer(tables.table(wanted.resource, [found], found["metadata"]) if as_table else found)
    if verb == "list" and flag(query, "watch"):
        changes = watch.stream(services.store, wanted, query, as_table=as_table)
        return StreamingResponse(changes, media_type=_JSON)
    if verb == "list":
        found = objects.list(wanted, query)
        return _answer(tables.table(wanted.resource, found["items"], found["metadata"]) if as_table else found)
    if verb == "create":
        return _answer(objects.create(wanted, await _body(request, wanted.resource.kind), query), 201)
    if verb == "update":
        return _answer(objects.replace(wanted, await _body(request, wanted.resource.kind), query))
    if verb == "patch":
        body = await _body(request, wanted.resource.kind)
        return _answer(objects.patch(wanted, request.headers.get("content-type", ""), body, query))
    options = delete_options(await _body(request, "DeleteOptions", empty=True), query)
    if verb == "delete":
        return _answer(objects.delete(wanted, options))
    return _answer(objects.delete_collection(wanted, options, query))


def _verb(method: str, wanted: Target) -> str:
    query_less = {"POST": "create", "PUT": "update", "PATCH": "patch"}
    if method in query_less:
        if (method == "POST") == bool(wanted.name) and not wanted.subresource:
            raise errors.method_not_allowed()
        return query_less[method]
    if method == "DELETE":
        return "delete" if wanted.name else "deletecollection"
    return "get" if wanted.name else "list"


def _allowed(subresource: str, method: str) -> bool:
    allowed = {"log": ("GET",), "exec": ("GET", "POST"), "eviction": ("POST",), "status": ("GET", "PUT", "PATCH")}
    return method in allowed[subresource]


def _whole(wanted: Target) -> Target:
    return Target(wanted.resource, wanted.namespace, wanted.name)


async def _body(request: Request, kind: str, *, empty: bool = False) -> Any:
    """The body's JSON. Raises a 400, 413 or 415 as the API words it."""
    given = request.headers.get("content-type", _JSON).split(";")[0].strip()
    data = await request.body()
    if not data and empty:
        return {}
    if len(data) > _MAX_BODY:
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_MAX_BODY}")
    if given == protobuf.MEDIA_TYPE:
        try:
            return protobuf.decode(data)
        except protobuf.Unreadable as error:
            raise errors.unsupported_media_type((_JSON, "application/yaml"), str(error)) from error
    if given == "application/apply-patch+yaml" or given == "application/yaml":
        return _yaml(data)
    if "json" not in given and given != "*/*":
        raise errors.unsupported_media_type((_JSON, "application/yaml"))
    try:
        return json.loads(data)
    except ValueError as error:
        text = data[:80].decode(errors="replace")
        why = "unexpected end of JSON input" if getattr(error, "pos", 0) >= len(data.rstrip()) - 1 else str(error)
        raise errors.bad_request(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {why} ({text})"
        ) from error


def _yaml(data: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise errors.bad_request(f"error decoding YAML: {error}") from error


def _answer(body: Mapping[str, Any], code: int = 200) -> Response:
    again = {"Retry-After": "1"} if code == 429 else None
    return Response(json.dumps(body, separators=(",", ":")).encode(), code, again, media_type=_JSON)


def _text_stream(chunks: AsyncIterator[bytes]) -> Response:
    # Without a charset, as the real one: clients decode what they get.
    return StreamingResponse(chunks, headers={"content-type": "text/plain"})


def _well_known(path: str, address: str) -> Response | None:
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
    elif parts[0] == "openapi":
        body = discovery.openapi(path)
    elif parts[0] == "apis" and len(parts) == 2:
        body = discovery.group(parts[1])
    elif parts[0] == "apis" and len(parts) == 3:
        body = discovery.resources(parts[1], parts[2])
    return _answer(body) if body is not None else None
