"""A web server for tests: the path selects the response, and the server records the requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Web:
    """``requests`` are the requests so far, by the first part of their path."""

    url: str
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def web() -> Iterator[Web]:
    """Serve ``/status/404``, ``/json/…`` (the text after it), ``/to/…`` (a redirect), ``/text`` and ``/echo``."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            _, kind, rest = [*self.path.split("/", 2), ""][:3]
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            seen = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
            found.requests[kind.partition("?")[0]] = seen
            status = int(rest.partition("/")[0]) if kind == "status" else 302 if kind == "to" else 200
            self.send_response(status)
            if kind == "to":
                self.send_header("Location", f"http://{rest}")
            text = json.dumps(seen) if kind.startswith("echo") else f"This is {status}." if kind != "json" else rest
            self.send_header("Content-Type", "application/problem+json" if kind in ("json", "echo") else "text/plain")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.replace("%20", " ").encode())

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Web(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
