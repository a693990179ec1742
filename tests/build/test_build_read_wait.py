"""The line of a log that says what a pod waits for: the operator writes it, and the pages in Airflow read it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from dag_factory.build.web.read_wait import parse_wait
from dag_factory.build.worker.tries.start_watch import Limits, StartWatch
from dag_factory.reasons.facts import PodWait
from dag_factory.verdicts.evidence.model import Container, Evidence, Pod

WRITTEN = datetime(2026, 11, 30, 21, 0, tzinfo=timezone.utc)
MISSING = Evidence(
    pod=Pod(
        name="p",
        phase="Pending",
        node="n",
        containers=(
            Container(
                name="base",
                role="base",
                source="",
                state="waiting",
                reason="CreateContainerConfigError",
                message='secret "key" not found',
            ),
        ),
    )
)


def test_what_the_operator_writes_is_read_back() -> None:
    watch = StartWatch(Limits(900, 900, final=80), 0)
    line = [look.line for now in range(64) if (look := watch.look(MISSING, now)).line][-1]
    since = WRITTEN - timedelta(seconds=63)
    limit = "The try fails after 1m20s of waiting."
    assert parse_wait(line, WRITTEN) == PodWait("the container to start: secret `key` does not exist", since, limit)


def test_a_line_of_an_earlier_version_has_no_limit() -> None:
    found = parse_wait("waiting 3s for a node: 0/5 nodes are available. And more", None)
    assert found == PodWait("a node: 0/5 nodes are available. And more")


@pytest.mark.parametrize("line", ["", "waiting for rows", "waiting 3 rows", "I am waiting 3s for a node"])
def test_other_lines_are_not_taken_for_a_wait(line: str) -> None:
    assert parse_wait(line, WRITTEN) is None
