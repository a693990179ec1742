"""A client of Airflow's REST API, for what it takes to run a pipeline and watch it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

FINISHED = ("success", "failed")
_NOT_THERE_YET = (404, 500, 502, 503)


@dataclass(frozen=True)
class AirflowApi:
    """The API of an Airflow on this machine that needs no login."""

    port: int

    @property
    def url(self) -> str:
        """The address of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def _client(self) -> httpx.Client:
        """The client of all requests: a new one takes longer than a request.

        It keeps no connection: the server closes idle ones, perhaps during the next request. It uses no proxy.
        """
        return httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)

    def health(self) -> dict[str, str]:
        """The state of each component by name; empty if the server does not response."""
        try:
            response = self._client.get(f"{self.url}/api/v2/monitor/health", timeout=10)
            return {name: str(part.get("status")) for name, part in response.json().items()}
        except (httpx.HTTPError, ValueError):
            return {}

    def answers(self, path: str) -> bool:
        """Whether a request for this path succeeds."""
        try:
            return self._client.get(f"{self.url}{path}", timeout=10).is_success
        except httpx.HTTPError:
            return False

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send a request to a path below ``/api/v2``. Returns the JSON of the response. Raises ``httpx.HTTPError``."""
        response = self._send(method, path, body, query)
        if response.status_code == httpx.codes.UNAUTHORIZED:  # the token expired, or Airflow was set up again
            self._headers.clear()
            response = self._send(method, path, body, query)
        return response.raise_for_status().json() if response.content else None

    def _send(self, method: str, path: str, body: Any, query: dict[str, Any]) -> httpx.Response:
        if not self._headers:
            token = self._client.get(f"{self.url}/auth/token", timeout=60).raise_for_status().json()["access_token"]
            self._headers["Authorization"] = f"Bearer {token}"
        return self._client.request(
            method, f"{self.url}/api/v2{path}", json=body, params=query or None, headers=self._headers, timeout=60
        )

    @cached_property
    def _headers(self) -> dict[str, str]:
        """The headers of requests to the API; empty until the first one."""
        return {}

    def wait_for_dag(self, dag_id: str, seconds: float) -> bool:
        """Wait until the DAG is known and its file has been parsed. Returns whether it is, in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if not self.call("GET", f"/dags/{dag_id}")["is_stale"]:
                    return True
            except httpx.HTTPStatusError as failure:
                if failure.response.status_code not in _NOT_THERE_YET:
                    raise
            time.sleep(0.25)
        return False

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Unpause a DAG and start a run of it. Returns the id of the run."""
        self.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})
        run = self.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """``queued``, ``running``, ``success`` or ``failed``."""
        return str(self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, as Airflow describes them."""
        found = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=1000)
        return list(found["task_instances"])

    def output(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """The output of a job, None if it has none."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            return self.call("GET", path, deserialize="true")["value"]
        except httpx.HTTPStatusError:
            return None

    def find_output(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> tuple[bool, Any]:
        """Whether a task wrote an output, and the output, which may be None."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            return True, self.call("GET", path, deserialize="true", map_index=map_index)["value"]
        except httpx.HTTPStatusError:
            return False, None

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1, map_index: int = -1) -> str:
        """The log of one try as text. Exceptions are shown with type and text, without stack frames."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        content = self.call("GET", path, full_content="true", map_index=map_index)["content"]
        return "\n".join(text for line in content for text in _texts(line))


def _texts(line: Any) -> Iterator[str]:
    """The message of a log line, then the exceptions logged with it in the order in which they were raised."""
    if not isinstance(line, dict):
        yield str(line)
        return
    yield line["event"]
    for raised in reversed(line.get("error_detail") or ()):
        yield f"{raised.get('exc_type')}: {raised.get('exc_value')}"
