"""Logs: following, and every option that selects a part of a log."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from kubernetes.client import ApiException
from live import Live, pod, until

from dag_factory.cluster.kubelet import logs


@pytest.fixture(scope="module", params=["processes", "docker"])
def live(request: pytest.FixtureRequest) -> Live:
    """Both engines, one after the other."""
    found: Live = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def talker(live: Live) -> str:
    """A pod whose second line comes at least a second after the first one was read."""
    live.create(pod("timed-lines", "echo one; until [ -e /tmp/go ]; do sleep 0.05; done; echo two; printf 'no end'"))
    until(lambda: "waiting" not in str(live.get("timed-lines")["status"].get("containerStatuses", "waiting")))
    until(lambda: live.log("timed-lines") == "one\n")
    live.exec("timed-lines", "sh", "-c", "sleep 1.2; touch /tmp/go")
    live.phase("timed-lines", "Succeeded")
    return "timed-lines"


def test_a_part_of_the_log(live: Live, talker: str) -> None:
    assert live.log(talker) == "one\ntwo\nno end"
    assert live.log(talker, tail_lines=2) == "two\nno end"
    assert live.log(talker, tail_lines=0) == ""
    assert live.log(talker, limit_bytes=5) == "one\nt"
    assert live.log(talker, container="base", since_seconds=3600) == "one\ntwo\nno end"


def test_a_timestamp_is_the_time_of_the_line(live: Live, talker: str) -> None:
    lines = live.log(talker, timestamps=True).splitlines()
    stamps = [re.fullmatch(r"(\S+)\.(\d{9})Z (.*)", line) for line in lines]
    assert [m[3] for m in stamps if m] == ["one", "two", "no end"]
    first, second = (datetime.fromisoformat(f"{m[1]}.{m[2][:6]}+00:00") for m in stamps[:2] if m)
    assert (second - first).total_seconds() > 1.1
    assert abs((datetime.now(timezone.utc) - second).total_seconds()) < 1_200


def test_since_a_time(live: Live, talker: str) -> None:
    second = live.log(talker, timestamps=True).splitlines()[1].split()[0]
    answer = live.raw.rest_client.pool_manager.request(
        "GET",
        f"{live.handle.server}/api/v1/namespaces/default/pods/{talker}/log",
        fields={"sinceTime": second},
        headers={"Authorization": f"Bearer {live.token}"},
    )
    assert answer.data == b"two\nno end"
    assert answer.headers["content-type"] == "text/plain"


def test_following_streams_lines_and_ends_with_the_container(live: Live) -> None:
    live.create(pod("slow", "echo 1; until [ -e /tmp/go ]; do sleep 0.05; done; echo 2; echo 3"))
    until(lambda: "waiting" not in str(live.get("slow")["status"].get("containerStatuses", "waiting")))
    answer = live.api.read_namespaced_pod_log("slow", "default", follow=True, _preload_content=False)
    chunks = answer.stream()
    assert next(chunks) == b"1\n"  # while the container waits
    live.exec("slow", "touch", "/tmp/go")
    assert b"".join(chunks) == b"2\n3\n"


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"container": "nope"}, 400, "container nope is not valid for pod timed-lines"),
        ({"previous": True}, 400, 'previous terminated container \\"base\\" in pod \\"timed-lines\\" not found'),
        ({"tail_lines": -1}, 422, "must be greater than or equal to 0"),
    ],
)
def test_invalid_log_requests(live: Live, talker: str, query: dict, status: int, message: str) -> None:
    with pytest.raises(ApiException) as failure:
        live.log(talker, **query)
    assert failure.value.status == status
    assert message in failure.value.body


def test_the_log_of_two_containers_requires_a_name(live: Live) -> None:
    other = {"name": "other", "image": "alpine:3", "command": ["echo", "from the other"]}
    live.run(pod("two", "echo from base", more=[other]))
    with pytest.raises(ApiException) as failure:
        live.log("two")
    assert "a container name must be specified for pod two, choose one of: [base other]" in failure.value.body
    assert live.log("two", container="other") == "from the other\n"


def test_large_output_is_complete(live: Live) -> None:
    live.run(pod("much", "seq 1 200000"))
    assert live.log("much").splitlines() == [str(i) for i in range(1, 200001)]
    assert live.log("much", tail_lines=3) == "199998\n199999\n200000\n"


def test_a_long_line_stays_one_line(live: Live) -> None:
    live.run(pod("long", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end"))
    assert live.log("long") == "x" * 100000 + "\nend\n"


def test_the_tail_of_a_file_is_found_across_blocks(tmp_path: Path) -> None:
    log = logs.ContainerLog(tmp_path / "0.log")
    log.write(b"".join(b"%060d\n" % i for i in range(5000)))
    log.close()
    for tail in (1, 700, 4999, 5000, 6000):
        offset = logs._tail_offset(log.path, logs.LogOptions(tail=tail))
        assert log.path.read_bytes()[offset:].count(b"\n") == min(tail, 5000)


def test_only_the_first_part_of_a_long_line_has_a_timestamp(live: Live) -> None:
    live.run(pod("long-line", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo next"))
    first, second = live.log("long-line", timestamps=True).splitlines()
    assert re.fullmatch(r"\S+Z x{40000}", first)
    assert re.fullmatch(r"\S+Z next", second)
