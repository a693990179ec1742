"""The fallback without namespaces: the same behavior, and no signals to processes outside of pods."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import Live, pod, terminated, until
from operators import context, execute_deferrable, operator
from test_cluster_isolation import processes

from dag_factory import cluster
from dag_factory.cluster.process.kill_commands import find_signal

XCOM = "echo '{\"rows\": 3}' > /airflow/xcom/return.json"


@pytest.fixture
def other_processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Shells of this user that do not belong to a pod."""
    found = [subprocess.Popen(["sh", "-c", "sleep 1200; true"]), subprocess.Popen(["sh", "-c", "exec sleep 1200"])]
    yield found
    for process in found:
        process.kill()
        process.wait()


def test_the_isolation_is_reported_in_one_line(plain: Live) -> None:
    log = plain.handle.log.read_text()
    assert len([line for line in log.splitlines() if "isolation: NONE" in line]) == 1
    status = cluster.status(plain.handle.state)
    assert status and "symbolic links" in status["isolation"]


def test_outputs_are_returned_and_other_processes_get_no_signal(
    plain: Live, other_processes: list[subprocess.Popen[bytes]]
) -> None:
    op = operator(plain, "plainxcom", XCOM, do_xcom_push=True)
    assert op.execute(context("plainxcom")) == {"rows": 3}
    op = operator(plain, "plainlater", XCOM, do_xcom_push=True, deferrable=True)
    assert execute_deferrable(op, context("plainlater")) == {"rows": 3}
    assert [process.poll() for process in other_processes] == [None, None]


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("kill -2 $(pgrep -u $(id -u) -f 'sh')", 2),
        (
            'for f in /proc/[0-9]*/comm; do [ -O $f ] && read c < $f && [ "$c" = "sh" ] && '
            "pid=${f%/comm} && kill -2 ${pid##*/}; done",
            2,
        ),
        ("kill -2 1", 2),
        ("kill -s TERM 1", 15),
        ("kill 1", 15),
        ("pkill -9 python", 9),
        ("kill -9 -1", 9),
        ("cat /airflow/xcom/return.json", 0),
        ("if [ -s /airflow/xcom/return.json ]; then cat /airflow/xcom/return.json; fi", 0),
    ],
)
def test_commands_that_search_for_processes_are_detected(line: str, number: int) -> None:
    assert find_signal(line) == number


def test_exec_runs_other_commands(plain: Live) -> None:
    plain.create(pod("plainexec", "while true; do sleep 0.05; done"))
    plain.phase("plainexec", "Running")
    assert plain.exec("plainexec", "sh", "-c", "echo hi; exit 0") == "hi\n"
    plain.exec("plainexec", "sh", "-c", "kill -9 1")
    assert terminated(plain.phase("plainexec", "Failed"))["exitCode"] == 137


def test_daemons_end_with_their_container(plain: Live) -> None:
    mark = f"sleep 5{time.time_ns() % 1_000_000:06d}"
    plain.run(pod("plaindaemons", f"(setsid {mark} & ); (setsid sh -c '{mark} & exit' & ); sleep 0.1"))
    until(lambda: not processes(mark))


def test_a_container_over_its_memory_limit_is_detected_by_watching(plain: Live) -> None:
    script = "import time; x = bytearray(200_000_000); time.sleep(1200)"
    limits = {"resources": {"limits": {"memory": "64Mi"}}, "image": "python:3.11", "command": ["python", "-c", script]}
    found = plain.run(pod("plainoom", container=limits))
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (137, "OOMKilled")


def test_pods_that_share_a_mount_path_take_turns(plain: Live) -> None:
    volume = {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "container": {"volumeMounts": [{"name": "v", "mountPath": "/dagf-test/data"}]},
    }
    script = "echo $HOSTNAME > /dagf-test/data/who; sleep 0.4; cat /dagf-test/data/who"
    for name in ("turn1", "turn2", "turn3"):
        plain.create(pod(name, script, **volume))
    ends = []
    for name in ("turn1", "turn2", "turn3"):
        found = plain.phase(name, "Succeeded")
        assert plain.log(name) == f"{name}\n"
        ends.append(terminated(found))
    until(lambda: not Path("/dagf-test").exists())


def test_pods_that_need_two_paths_in_opposite_order_do_not_wait_for_each_other(plain: Live) -> None:
    volumes = [{"name": name, "emptyDir": {}} for name in ("one", "two")]

    def two(name: str, first: str, second: str) -> dict[str, Any]:
        def mounts(volume: str) -> dict[str, Any]:
            return {"volumeMounts": [{"name": volume, "mountPath": f"/dagf-test-{volume}"}]}

        more = {"name": "more", "image": "alpine:3", "command": ["sh", "-c", "sleep 0.3"], **mounts(second)}
        return pod(name, "sleep 0.3", volumes=volumes, container=mounts(first), more=[more])

    for _ in range(3):
        names = [plain.create(two("there", "one", "two")), plain.create(two("back", "two", "one"))]
        for name in names:
            plain.phase(name, "Succeeded")
            plain.call("DELETE", f"/api/v1/namespaces/default/pods/{name}", {"gracePeriodSeconds": 0})
            plain.gone(name)


def test_pods_with_one_claim_share_it(plain: Live) -> None:
    volume = {
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "shared"}}],
        "container": {"volumeMounts": [{"name": "v", "mountPath": "/dagf-test-claim"}]},
    }
    plain.create(pod("waits", "until test -e /dagf-test-claim/go; do sleep 0.05; done", **volume))
    plain.create(pod("goes", "touch /dagf-test-claim/go", **volume))
    plain.phase("waits", "Succeeded")


def test_an_existing_path_of_this_machine_is_not_replaced(plain: Live) -> None:
    body = pod("taken", "true", volumes=[{"name": "v", "emptyDir": {}}])
    body["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/etc"}]
    name = plain.create(body)
    found = plain.waits_for(name, "CreateContainerError")
    assert "/etc exists on this machine" in str(found["status"]["containerStatuses"])
    plain.call("DELETE", f"/api/v1/namespaces/default/pods/{name}", {"gracePeriodSeconds": 0})


def test_images_of_folders(plain: Live) -> None:
    found = plain.run(pod("plainimage", container={"image": "examples/job:1", "command": [], "args": ["x"]}))
    log = plain.log("plainimage")
    assert found["status"]["phase"] == "Succeeded", log
    assert "['x'] hello there" in log
