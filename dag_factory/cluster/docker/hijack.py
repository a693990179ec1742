"""A hijacked connection: after the response of an attach or exec request, it carries the raw streams of a container.

httpx makes the request and keeps the connection, but has no API for what follows a switch of protocols.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import httpcore
import httpx

_CHUNK = 65536
_HEADER = 8  # bytes before each frame: the channel, three zeros, the size


class HijackedStream:
    """``response`` is the engine's answer to an upgrade request, not yet closed."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._network: httpcore.AsyncNetworkStream = response.extensions["network_stream"]

    async def write(self, data: bytes) -> None:
        """Raises ConnectionError if the other side no longer reads."""
        try:
            await self._network.write(data)
        except httpcore.NetworkError as error:
            raise ConnectionError(str(error)) from error

    def close_write(self) -> None:
        """End standard input; output still arrives. Raises OSError."""
        self._network.get_extra_info("socket").shutdown(socket.SHUT_WR)

    async def read(self, *, tty: bool) -> AsyncIterator[tuple[int, bytes]]:
        """Yield output with its channel, 1 for standard output and 2 for standard error, until the stream ends.

        A terminal (``tty``) has one channel and no frames.
        """
        buffer = bytearray()
        with contextlib.suppress(httpcore.NetworkError):
            while data := await self._network.read(_CHUNK):
                if tty:
                    yield 1, data
                    continue
                buffer += data
                for frame in take_frames(buffer):
                    yield frame

    async def close(self) -> None:
        await self._response.aclose()


def take_frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Remove the complete frames from the start of ``buffer`` and yield each as (channel, data)."""
    while len(buffer) >= _HEADER:
        end = _HEADER + int.from_bytes(buffer[4:_HEADER], "big")
        if len(buffer) < end:
            return
        channel, data = buffer[0] or 1, bytes(buffer[_HEADER:end])
        del buffer[:end]
        yield channel, data
