"""The actions of probes and lifecycle hooks: a command in the container, an HTTP request, a TCP connection, a sleep."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

from ..runtime.engine import Container, StartError
from .formatting import format_duration

_HOST = "127.0.0.1"
_MAX_OUTPUT = 10240  # bytes of a command's output that are kept


class HandlerError(Exception):
    """A handler failed. Its text is part of the event's message."""


async def handle(handler: dict[str, Any], container: Container, spec: dict[str, Any], timeout: float | None) -> None:
    """Run ``handler``, the body of a probe or hook. ``timeout`` is in seconds. Raises HandlerError."""
    try:
        await asyncio.wait_for(_handle(handler, container, spec), timeout)
    except asyncio.TimeoutError as error:
        if "exec" in handler:
            command = " ".join(handler["exec"].get("command") or [])
            raise HandlerError(
                f'command timed out: "{command}" timed out after {format_duration(timeout or 0)}'
            ) from error
        raise HandlerError(
            f"Get {_quoted_url(handler, spec)}: context deadline exceeded "
            "(Client.Timeout exceeded while awaiting headers)"
        ) from error


async def _handle(handler: dict[str, Any], container: Container, spec: dict[str, Any]) -> None:
    if handler.get("exec"):
        code, output = await run(container, handler["exec"].get("command") or [])
        if code:
            raise HandlerError(output)
    elif handler.get("httpGet"):
        await _http(handler, spec)
    elif handler.get("tcpSocket"):
        port = _port(handler["tcpSocket"]["port"], spec)
        host = handler["tcpSocket"].get("host") or _HOST
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise HandlerError(f"dial tcp {host}:{port}: connect: {_describe(error)}") from error
        writer.close()
    elif handler.get("sleep"):
        await asyncio.sleep(float(handler["sleep"]["seconds"]))
    elif handler.get("grpc"):
        raise HandlerError("the local cluster does not support gRPC probes")


async def run(container: Container, command: list[str]) -> tuple[int, str]:
    """Run a command in the container. Returns its exit code and output. A cancellation kills it."""
    try:
        session = await container.exec(command, stdin=False, tty=False)
    except StartError as error:
        raise HandlerError(error.message) from error
    output = b""
    try:
        async for _, data in session.output():
            output = (output + data)[:_MAX_OUTPUT]
        return await session.wait(), output.decode(errors="replace")
    except asyncio.CancelledError:
        await session.kill()
        raise


async def _http(handler: dict[str, Any], spec: dict[str, Any]) -> None:
    request = handler["httpGet"]
    port, host = _port(request["port"], spec), request.get("host") or _HOST
    path = request.get("path") or "/"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.33", "Accept": "*/*", "Connection": "close"}
    headers |= {header["name"]: header["value"] for header in request.get("httpHeaders") or []}
    secure = (request.get("scheme") or "HTTP").upper() == "HTTPS"
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_unverified_context() if secure else None)
        try:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
            first = (await reader.readline()).split()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except OSError as error:
        raise HandlerError(
            f"Get {_quoted_url(handler, spec)}: dial tcp {host}:{port}: connect: {_describe(error)}"
        ) from error
    code = int(first[1]) if len(first) > 1 and first[1].isdigit() else 0
    if not 200 <= code < 400:
        raise HandlerError(f"HTTP probe failed with statuscode: {code}")


def _quoted_url(handler: dict[str, Any], spec: dict[str, Any]) -> str:
    request = handler.get("httpGet") or {}
    if not request:
        return '""'
    scheme = (request.get("scheme") or "HTTP").lower()
    return f'"{scheme}://{request.get("host") or _HOST}:{_port(request["port"], spec)}{request.get("path") or "/"}"'


def _port(port: int | str, spec: dict[str, Any]) -> int:
    """The number of a port, given by number or by the name in the container's spec. Raises HandlerError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for entry in spec.get("ports") or []:
        if entry.get("name") == port:
            return int(entry["containerPort"])
    raise HandlerError(f"couldn't find port: {port}")


def _unverified_context() -> ssl.SSLContext:
    """A context that does not verify certificates, as in a kubelet."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _describe(error: OSError) -> str:
    return "connection refused" if isinstance(error, ConnectionRefusedError) else str(error.strerror or error)
