"""Removes a server's containers once the server is gone: ``python -m dag_factory.cluster.docker.guard SOCKET LABEL``.

The server holds the other end of this process's standard input. When that end closes, for any reason, the server has
ended.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys

import httpx

from .client import BASE_URL

_TIMEOUT = 30  # seconds


def remove_all(socket: str, label: str) -> int:
    """Remove the containers with this label, running or not. Returns how many there were. Raises OSError."""
    transport = httpx.HTTPTransport(uds=socket)
    with httpx.Client(transport=transport, base_url=BASE_URL, timeout=_TIMEOUT) as client:
        query: dict[str, str | int] = {"all": 1, "filters": json.dumps({"label": [label]})}
        try:
            found = client.get("/containers/json", params=query).raise_for_status().json()
        except httpx.HTTPError as error:
            raise ConnectionError(f"the Docker engine does not list its containers: {error}") from error
        for container in found:
            with contextlib.suppress(httpx.HTTPError):
                client.delete(f"/containers/{container['Id']}", params={"force": 1, "v": 1})
    return len(found)


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    with contextlib.suppress(OSError, ValueError):
        while remove_all(sys.argv[1], sys.argv[2]):  # again, in case one was about to start
            pass


if __name__ == "__main__":
    main()
