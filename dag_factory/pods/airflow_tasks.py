"""The task instances of pods, through the REST API of Airflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from dag_factory.pods.job_pod import TaskLabels, label_of
from dag_factory.pods.watching import Task
from dag_factory.verdicts.evidence.json_values import map_of, text_of, texts_of, time_of, whole_of

_PAGE = 100  # the API returns at most this many, unless Airflow's configuration changes it
_MOST_PAGES = 100
_TIMEOUT = httpx.Timeout(30)


class AirflowUnavailable(Exception):
    """Airflow does not answer, or rejects the request. The text says what to do."""


@dataclass(frozen=True)
class AirflowTasks:
    """The API at an address. Without a token, it asks Airflow for one, which works if Airflow needs no login."""

    url: str
    token: str | None = None
    _tokens: list[str] = field(default_factory=list, repr=False)

    def find(self, wanted: Iterable[TaskLabels]) -> dict[TaskLabels, Task]:
        """The task instances with these labels, as far as Airflow knows them. Raises ``AirflowUnavailable``."""
        by_dag: dict[str, dict[str, set[TaskLabels]]] = {}
        for labels in wanted:
            by_dag.setdefault(labels.dag, {}).setdefault(labels.run, set()).add(labels)
        found: dict[TaskLabels, Task] = {}
        for dag_id, runs in self._dags(by_dag):
            for run in self._runs(dag_id, set(runs)):
                tasks = runs[label_of(text_of(run, "dag_run_id"))]
                found.update(self._tasks(run, tasks))
        return found

    def read(self, task: Task) -> Task | None:
        """The task instance as it is now, None if it is gone. Raises ``AirflowUnavailable``."""
        run_path = f"/dags/{_quote(task.dag_id)}/dagRuns/{_quote(task.run_id)}"
        path = f"{run_path}/taskInstances/{_quote(task.task_id)}"
        run = self._get(run_path)
        found = self._get(path if task.map_index < 0 else f"{path}/{task.map_index}")
        return _task(found, run) if run and found else None

    def _dags(self, by_dag: dict[str, dict[str, set[TaskLabels]]]) -> Iterator[tuple[str, dict[str, set[TaskLabels]]]]:
        """The id of each DAG, with the runs that are wanted. A label that is no id is a shortened one."""
        missing = {}
        for label, runs in by_dag.items():
            if self._get(f"/dags/{_quote(label)}") is not None:
                yield label, runs
            else:
                missing[label] = runs
        if missing:
            for dag in self._pages("/dags", "dags", exclude_stale="false"):
                dag_id = text_of(dag, "dag_id")
                if (label := label_of(dag_id)) in missing and label != dag_id:
                    yield dag_id, missing[label]

    def _runs(self, dag_id: str, labels: set[str]) -> Iterator[Any]:
        """The newest runs with these labels."""
        for run in self._pages(f"/dags/{_quote(dag_id)}/dagRuns", "dag_runs", order_by="-run_after"):
            if (label := label_of(text_of(run, "dag_run_id"))) in labels:
                labels.remove(label)
                yield run
            if not labels:
                return

    def _tasks(self, run: Any, wanted: set[TaskLabels]) -> Iterator[tuple[TaskLabels, Task]]:
        dag_id, run_id = text_of(run, "dag_id"), text_of(run, "dag_run_id")
        path = f"/dags/{_quote(dag_id)}/dagRuns/{_quote(run_id)}/taskInstances"
        for item in self._pages(path, "task_instances"):
            task = _task(item, run)
            labels = TaskLabels(label_of(dag_id), label_of(run_id), label_of(task.task_id), task.map_index)
            if labels in wanted:
                yield labels, task

    def _pages(self, path: str, key: str, **query: str) -> Iterator[Any]:
        offset = 0
        for _ in range(_MOST_PAGES):
            answer = self._get(path, limit=_PAGE, offset=offset, **query)
            items = answer.get(key) if isinstance(answer, dict) else None
            if not items:
                return
            yield from items
            offset += len(items)
            if offset >= (whole_of(answer, "total_entries") or 0):
                return

    def _get(self, path: str, **query: Any) -> Any:
        """The JSON of a response, None if there is no such object."""
        try:
            headers = {"Authorization": f"Bearer {self._bearer()}"}
            response = httpx.get(f"{self.url}/api/v2{path}", params=query, headers=headers, timeout=_TIMEOUT)
            if response.status_code == 404:
                return None
            return response.raise_for_status().json()
        except httpx.HTTPStatusError as failure:
            raise AirflowUnavailable(self._text(failure.response.status_code)) from failure
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
            raise AirflowUnavailable(f"Airflow does not answer at {self.url}: {failure}") from failure

    def _bearer(self) -> str:
        if self.token:
            return self.token
        if not self._tokens:
            response = httpx.get(f"{self.url}/auth/token", timeout=_TIMEOUT)
            if not response.is_success:
                raise AirflowUnavailable(self._text(401))
            self._tokens.append(str(response.json()["access_token"]))
        return self._tokens[0]

    def _text(self, status: int) -> str:
        if status in (401, 403):
            return (
                f"Airflow at {self.url} rejects the request ({status}); put a token of a user who may read DAGs, runs "
                "and task instances into DAG_FACTORY_AIRFLOW_TOKEN"
            )
        return f"Airflow at {self.url} answers with the status {status}"


def _task(item: Any, run: Any) -> Task:
    labels = map_of(item, "rendered_fields").get("labels")
    return Task(
        dag_id=text_of(item, "dag_id"),
        run_id=text_of(item, "dag_run_id"),
        task_id=text_of(item, "task_id"),
        map_index=-1 if (index := whole_of(item, "map_index")) is None else index,
        state=text_of(item, "state"),
        run_state=text_of(run, "state"),
        try_number=whole_of(item, "try_number") or 0,
        ended=time_of(item, "end_date"),
        environment=texts_of(labels).get("dagwright/environment", ""),
    )


def _quote(name: str) -> str:
    return quote(name, safe="")
