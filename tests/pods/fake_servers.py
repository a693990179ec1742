"""HTTP servers that answer as Airflow and as a Kubernetes API do, for the cases that a real one cannot be put into."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Answer = Callable[[str, dict[str, str]], tuple[int, Any]]


@contextmanager
def http_server(answer: Answer) -> Iterator[str]:
    """Serve GET requests with the status and the JSON of ``answer(path, query)``. Yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = answer(unquote(parts.path), dict(parse_qsl(parts.query)))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Airflow:
    """Runs and task instances by DAG and run. Pages have at most ``page`` entries, whatever the client asks for."""

    def __init__(self, tasks: dict[tuple[str, str], list[dict[str, Any]]], page: int = 100) -> None:
        self.tasks = tasks
        self.page = page
        self.status = 200

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if self.status != 200:
            return self.status, {"detail": "no"}
        if path == "/auth/token":
            return 201, {"access_token": "t"}
        match path.removeprefix("/api/v2/dags").strip("/").split("/"):
            case [""]:
                return self._list("dags", [{"dag_id": dag} for dag, _ in self.tasks], query)
            case [dag]:
                return (200, {"dag_id": dag}) if any(one == dag for one, _ in self.tasks) else (404, {})
            case [dag, "dagRuns"]:
                return self._list("dag_runs", [self._run(*key) for key in self.tasks if key[0] == dag], query)
            case [dag, "dagRuns", run]:
                return 200, self._run(dag, run)
            case [dag, "dagRuns", run, "taskInstances"]:
                return self._list("task_instances", self._tasks(dag, run), query)
            case [dag, "dagRuns", run, "taskInstances", task, *index]:
                number = int(index[0]) if index else -1
                for one in self._tasks(dag, run):
                    if (one["task_id"], one["map_index"]) == (task, number):
                        return 200, one
        return 404, {}

    def _run(self, dag: str, run: str) -> dict[str, Any]:
        return {"dag_id": dag, "dag_run_id": run, "state": "running"}

    def _tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        base = {"dag_id": dag, "dag_run_id": run, "map_index": -1, "try_number": 1, "end_date": None}
        return [{**base, **one} for one in self.tasks.get((dag, run), [])]

    def _list(self, key: str, items: list[Any], query: dict[str, str]) -> tuple[int, Any]:
        start = int(query.get("offset", 0))
        return 200, {key: items[start : start + self.page], "total_entries": len(items)}
