"""Ends a server's containers when the server is gone: ``python -m dag_factory.cluster.docker.guard SOCKET LABEL``.

The server holds the other end of this process's standard input; its end, however it comes, is the sign. Standard
library only.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import sys
from urllib.parse import quote


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def remove_all(path: str, label: str) -> int:
    """Remove the containers with this label, running or not. Returns how many there were. Raises OSError."""
    connection = _Connection(path)
    wanted = quote(json.dumps({"label": [label]}))
    connection.request("GET", f"/v1.41/containers/json?all=1&filters={wanted}")
    found = json.load(connection.getresponse())
    for one in found:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("DELETE", f"/v1.41/containers/{one['Id']}?force=1&v=1")
            connection.getresponse().read()
    return len(found)


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    with contextlib.suppress(OSError, ValueError):
        while remove_all(sys.argv[1], sys.argv[2]):  # one may have been about to start
            pass


if __name__ == "__main__":
    main()
