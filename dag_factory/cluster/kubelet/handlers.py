"""What probes and lifecycle hooks do: a command in the container, an HTTP request, a TCP connection, a sleep."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

from ..runtime.engine import Container, StartError
from .formatting import format_duration

_HOST = "127.0.0.1"
_MOST = 10240  # bytes of a command's or a server's answer that are kept


class Failed(Exception):
    """A handler did not succeed. Its text is what an event says."""


async def handle(handler: dict[str, Any], container: Container, spec: dict[str, Any], timeout: float | None) -> None:
    """Do what ``handler`` (a probe's or a hook's body) says. Raises Failed. ``timeout`` is in seconds."""
    try:
        await asyncio.wait_for(_handle(handler, container, spec), timeout)
    except asyncio.TimeoutError as error:
        if "exec" in handler:
            words = " ".join(handler["exec"].get("command") or [])
            raise Failed(f'command timed out: "{words}" timed out after {format_duration(timeout or 0)}') from error
        raise Failed(
            f"Get {_where(handler, spec)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        ) from error


async def _handle(handler: dict[str, Any], container: Container, spec: dict[str, Any]) -> None:
    if handler.get("exec"):
        code, output = await run(container, handler["exec"].get("command") or [])
        if code:
            raise Failed(output)
    elif handler.get("httpGet"):
        await _http(handler, spec)
    elif handler.get("tcpSocket"):
        port = _port(handler["tcpSocket"]["port"], spec)
        host = handler["tcpSocket"].get("host") or _HOST
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise Failed(f"dial tcp {host}:{port}: connect: {_words(error)}") from error
        writer.close()
    elif handler.get("sleep"):
        await asyncio.sleep(float(handler["sleep"]["seconds"]))
    elif handler.get("grpc"):
        raise Failed("the local cluster has no grpc probes")


async def run(container: Container, command: list[str]) -> tuple[int, str]:
    """A command in the container: its exit code and what it wrote. Cancelled, it is killed."""
    try:
        session = await container.exec(command, stdin=False, tty=False)
    except StartError as error:
        raise Failed(error.message) from error
    kept = b""
    try:
        async for _, data in session.output():
            kept = (kept + data)[:_MOST]
        return await session.wait(), kept.decode(errors="replace")
    except asyncio.CancelledError:
        await session.kill()
        raise


async def _http(handler: dict[str, Any], spec: dict[str, Any]) -> None:
    wanted = handler["httpGet"]
    port, host = _port(wanted["port"], spec), wanted.get("host") or _HOST
    path = wanted.get("path") or "/"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.33", "Accept": "*/*", "Connection": "close"}
    headers |= {one["name"]: one["value"] for one in wanted.get("httpHeaders") or []}
    secure = (wanted.get("scheme") or "HTTP").upper() == "HTTPS"
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_unchecked() if secure else None)
        try:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
            first = (await reader.readline()).split()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except OSError as error:
        raise Failed(f"Get {_where(handler, spec)}: dial tcp {host}:{port}: connect: {_words(error)}") from error
    code = int(first[1]) if len(first) > 1 and first[1].isdigit() else 0
    if not 200 <= code < 400:
        raise Failed(f"HTTP probe failed with statuscode: {code}")


def _where(handler: dict[str, Any], spec: dict[str, Any]) -> str:
    wanted = handler.get("httpGet") or {}
    if not wanted:
        return '""'
    scheme = (wanted.get("scheme") or "HTTP").lower()
    return f'"{scheme}://{wanted.get("host") or _HOST}:{_port(wanted["port"], spec)}{wanted.get("path") or "/"}"'


def _port(wanted: int | str, spec: dict[str, Any]) -> int:
    """A port's number, or the number of the container's port of that name. Raises Failed."""
    if isinstance(wanted, int) or wanted.isdigit():
        return int(wanted)
    for port in spec.get("ports") or []:
        if port.get("name") == wanted:
            return int(port["containerPort"])
    raise Failed(f"couldn't find port: {wanted}")


def _unchecked() -> ssl.SSLContext:
    """As a kubelet, which does not ask whose certificate it is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _words(error: OSError) -> str:
    return "connection refused" if isinstance(error, ConnectionRefusedError) else str(error.strerror or error)
