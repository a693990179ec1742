"""A client of the Docker Engine API over its Unix socket: requests, streams of JSON lines, and hijacked connections."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from .hijack import HijackedStream

BASE_URL = "http://docker/v1.41"


class DockerError(Exception):
    """The engine rejected a request: ``code`` is the HTTP status, the text is the engine's message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class DockerClient:
    """Every request has a connection of its own, and no timeout: some requests wait for a container to end."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=limits)
        self._http = httpx.AsyncClient(transport=transport, base_url=BASE_URL, timeout=None)

    async def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send a request. Returns the decoded JSON of the response, None if it has none.

        Raises DockerError, or OSError if the engine cannot be reached.
        """
        async with self._stream(method, path, body, query) as response:
            content = await response.aread()
        is_json = "json" in response.headers.get("content-type", "")
        return json.loads(content) if is_json and content.strip() else None

    async def stream_lines(
        self, method: str, path: str, body: Any = None, **query: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the JSON values of a response as they arrive, one per line. Raises as ``request`` does."""
        async with self._stream(method, path, body, query) as response:
            rest = b""
            async for chunk in response.aiter_bytes():
                # Not `aiter_lines`, which also splits at characters that JSON allows in a string.
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line)
            if rest.strip():
                yield json.loads(rest)

    async def hijack(self, path: str, body: Any = None, **query: Any) -> HijackedStream:
        """Open a connection that carries the streams of a container. Raises as ``request`` does."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        request = self._http.build_request("POST", path, params=query, headers=headers, **_content(body))
        try:
            response = await self._http.send(request, stream=True)
            if response.status_code != httpx.codes.SWITCHING_PROTOCOLS:
                await response.aread()
                raise DockerError(response.status_code, _message(response.content))
        except httpx.TransportError as error:
            raise _connection_error(error) from error
        return HijackedStream(response)

    @asynccontextmanager
    async def _stream(
        self, method: str, path: str, body: Any, query: Mapping[str, Any]
    ) -> AsyncIterator[httpx.Response]:
        try:
            async with self._http.stream(method, path, params=query, **_content(body)) as response:
                if response.is_error:
                    raise DockerError(response.status_code, _message(await response.aread()))
                yield response
        except httpx.TransportError as error:
            raise _connection_error(error) from error


def _content(body: Any) -> dict[str, Any]:
    if isinstance(body, bytes):
        return {"content": body, "headers": {"Content-Type": "application/x-tar"}}
    return {} if body is None else {"json": body}


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()


def _connection_error(error: httpx.TransportError) -> ConnectionError:
    if isinstance(error, httpx.RemoteProtocolError):
        return ConnectionError("the Docker engine closed the connection")
    return ConnectionError(str(error))
