"""Docker's API over its socket: requests, streams of lines, and connections that an attach or an exec takes over."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_BUFFER = 1 << 20


class DockerError(Exception):
    """The engine refused: ``code`` is its HTTP status, the text its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class DockerApi:
    def __init__(self, socket: Path) -> None:
        self.socket = socket

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The decoded answer, None for an empty one. Raises DockerError, or OSError if there is no engine."""
        reader, writer, code, headers = await self._send(method, path, body, query)
        try:
            text = b"".join([chunk async for chunk in _content(reader, headers)])
        finally:
            writer.close()
        if code >= 400:
            raise DockerError(code, _message(text))
        return json.loads(text) if text.strip() and "json" in headers.get("content-type", "") else None

    async def lines(self, method: str, path: str, body: Any = None, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """An answer of JSON values, as they come. Raises as ``ask`` does."""
        reader, writer, code, headers = await self._send(method, path, body, query)
        try:
            rest = b""
            async for chunk in _content(reader, headers):
                rest += chunk
                if code >= 400:
                    continue
                *whole, rest = rest.split(b"\n")
                for line in whole:
                    if line.strip():
                        yield json.loads(line)
            if code >= 400:
                raise DockerError(code, _message(rest))
            if rest.strip():
                yield json.loads(rest)
        finally:
            writer.close()

    async def take_over(self, path: str, body: Any = None, **query: Any) -> Connection:
        """A connection that carries a container's streams from now on. Raises as ``ask`` does."""
        reader, writer, code, headers = await self._send("POST", path, body, query, upgrade=True)
        if code >= 400:
            text = b"".join([chunk async for chunk in _content(reader, headers)])
            writer.close()
            raise DockerError(code, _message(text))
        return reader, writer

    async def _send(
        self, method: str, path: str, body: Any, query: Mapping[str, Any], *, upgrade: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int, dict[str, str]]:
        reader, writer = await asyncio.open_unix_connection(str(self.socket), limit=_BUFFER)
        try:
            data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
            target = f"/v1.41{path}" + (f"?{urlencode(query)}" if query else "")
            connection = "Connection: Upgrade\r\nUpgrade: tcp" if upgrade else "Connection: close"
            head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\n{connection}\r\n"
            writer.write(f"{head}Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            await writer.drain()
            status = (await reader.readline()).split()
            if len(status) < 2:
                raise ConnectionError("the Docker engine closed the connection")
            headers = {}
            while line := (await reader.readline()).strip():
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            return reader, writer, int(status[1]), headers
        except BaseException:
            writer.close()
            raise


async def frames(reader: asyncio.StreamReader, *, raw: bool) -> AsyncIterator[tuple[int, bytes]]:
    """A container's output by channel: 1 standard output, 2 standard error. ``raw``: a terminal, with one channel."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            if raw:
                data = await reader.read(32768)
                if not data:
                    return
                yield 1, data
                continue
            head = await reader.readexactly(8)
            yield head[0] or 1, await reader.readexactly(int.from_bytes(head[4:], "big"))


async def _content(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).split(b";")[0] or b"0", 16):
            yield await reader.readexactly(size)
            await reader.readline()
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while data := await reader.read(65536):
            yield data


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace").strip()
