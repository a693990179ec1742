"""Reading task instances from Airflow's API: pages, shortened labels, failures."""

from __future__ import annotations

import pytest
from fake_servers import Airflow, http_server

from dag_factory.pods.airflow_tasks import AirflowTasks, AirflowUnavailable
from dag_factory.pods.job_pod import TaskLabels, label_of

RUN = "manual__2026-11-30T21:02:03.123456+00:00"
LONG = "team." + "a" * 80


def labels(dag: str, run: str, task: str, index: int = -1) -> TaskLabels:
    return TaskLabels(label_of(dag), label_of(run), label_of(task), index)


def test_tasks_are_found_over_pages_and_by_shortened_labels() -> None:
    tasks = {
        **{("a", f"run-{number}"): [{"task_id": "x", "state": "success"}] for number in range(5)},
        ("a", RUN): [{"task_id": "b", "map_index": index, "state": "running"} for index in range(7)],
        (LONG, RUN): [{"task_id": "group.c", "state": "deferred", "try_number": 3}],
    }
    wanted = [labels("a", RUN, "b", 6), labels(LONG, RUN, "group.c"), labels("a", "gone", "b"), labels("no", RUN, "b")]
    with http_server(Airflow(tasks, page=2).answer) as url:
        airflow = AirflowTasks(url)
        found = airflow.find(wanted)
        again = airflow.read(found[wanted[0]])
    assert {one: found[one].state for one in found} == {wanted[0]: "running", wanted[1]: "deferred"}
    assert (found[wanted[1]].dag_id, found[wanted[1]].try_number) == (LONG, 3)
    assert again == found[wanted[0]]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "rejects the request (401); put a token of a user who may read"),
        (403, "rejects the request (403); put a token of a user who may read"),
        (500, "answers with the status 500"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, message: str) -> None:
    airflow = Airflow({})
    airflow.status = status
    with http_server(airflow.answer) as url, pytest.raises(AirflowUnavailable) as failure:
        AirflowTasks(url, "token").find([labels("a", RUN, "b")])
    assert message in str(failure.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[bad"])
def test_an_airflow_that_does_not_answer_is_named(url: str) -> None:
    with pytest.raises(AirflowUnavailable, match="Airflow does not answer at"):
        AirflowTasks(url).find([labels("a", RUN, "b")])
