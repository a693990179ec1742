"""The isolation of containers, their limits, and the access to the server."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from live import Live, pod, terminated, until
from operators import context, operator


def processes(text: str) -> list[int]:
    """The ids of this machine's processes whose command line contains ``text``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_writes_outside_volumes_stay_in_the_container(live: Live) -> None:
    script = "mkdir -p /made-by-a-pod /etc/made-by-a-pod && ls -d /made*"
    found = live.run(pod("writes-apart", script))
    assert found["status"]["phase"] == "Succeeded"
    assert live.log("writes-apart") == "/made-by-a-pod\n"
    assert not Path("/made-by-a-pod").exists()
    assert not Path("/etc/made-by-a-pod").exists()


def test_writes_stay_in_the_container_in_a_user_namespace(unprivileged: Live) -> None:
    script = "mkdir -p /made-by-a-pod && id -u && echo x > /data/f && touch /etc/made-too && hostname && cat /run/x"
    body = pod(
        "rootless", script, volumes=[{"name": "d", "emptyDir": {}}, {"name": "c", "configMap": {"name": "rootless"}}]
    )
    body["spec"]["containers"][0]["volumeMounts"] = [
        {"name": "d", "mountPath": "/data"},
        {"name": "c", "mountPath": "/var/run/x", "subPath": "x", "readOnly": True},
    ]
    unprivileged.api.create_namespaced_config_map("default", {"metadata": {"name": "rootless"}, "data": {"x": "last"}})
    assert unprivileged.run(body)["status"]["phase"] == "Succeeded"
    assert unprivileged.log("rootless") == "0\nrootless\nlast"
    assert not Path("/made-by-a-pod").exists()
    op = operator(unprivileged, "rootlessxcom", "echo 5 > /airflow/xcom/return.json", do_xcom_push=True)
    assert op.execute(context("rootless")) == 5


def test_a_container_sees_only_its_own_processes(live: Live) -> None:
    live.run(pod("alone", "readlink /proc/self; ls -d /proc/[0-9]*; hostname; ls -A /tmp"))
    lines = live.log("alone").splitlines()
    assert int(lines[0]) < 5
    assert len([line for line in lines if line.startswith("/proc/")]) <= 2
    assert lines[-1] == "alone"


def test_the_files_of_the_cluster_are_hidden(live: Live) -> None:
    found = live.run(pod("curious", f"cat {live.handle.kubeconfig} || cat {live.handle.state}/token"))
    assert terminated(found)["exitCode"] == 1
    assert live.log("curious").count("No such file or directory") == 2


def test_daemons_end_with_their_container(live: Live) -> None:
    mark = f"sleep 4{time.time_ns() % 1_000_000:06d}"
    found = live.run(pod("daemons", f"(setsid {mark} & ); sleep 0.1; echo left one"))
    assert found["status"]["phase"] == "Succeeded"
    until(lambda: not processes(mark))


def test_a_container_over_its_memory_limit_is_oom_killed(live: Live) -> None:
    limits = {"resources": {"limits": {"memory": "64Mi"}}, "image": "python:3.11"}
    found = live.run(pod("oom", "python -c 'x = bytearray(300_000_000)'; echo survived", container=limits))
    assert found["status"]["phase"] == "Failed"
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (137, "OOMKilled")


def test_a_container_under_its_memory_limit_succeeds(live: Live) -> None:
    limits = {"resources": {"limits": {"memory": "128Mi", "cpu": "1"}}, "image": "python:3.11"}
    found = live.run(pod("fits", "python -c 'x = bytearray(30_000_000)'", container=limits))
    assert found["status"]["phase"] == "Succeeded"


def test_shared_memory_has_the_requested_size(live: Live) -> None:
    body = pod(
        "shm",
        "df -k /dev/shm | tail -1 | awk '{print $2}'",
        volumes=[{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}}],
        container={"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]},
    )
    live.run(body)
    assert live.log("shm").strip() == str(256 * 1024)


def test_a_container_runs_as_another_user_if_the_server_is_root(live: Live) -> None:
    body = pod("user", "id -u > /dev/stdout; id -g; touch /out/f && stat -c %u /out/f")
    body["spec"]["securityContext"] = {"runAsUser": 1234, "runAsGroup": 1235}
    body["spec"]["volumes"] = [{"name": "out", "emptyDir": {}}]
    body["spec"]["containers"][0]["volumeMounts"] = [{"name": "out", "mountPath": "/out"}]
    live.run(body)
    assert live.log("user").split() == ["1234", "1235", "1234"]


def test_a_read_only_mount_rejects_writes(live: Live) -> None:
    body = pod("readonly", "touch /data/x", volumes=[{"name": "d", "emptyDir": {}}])
    body["spec"]["containers"][0]["volumeMounts"] = [{"name": "d", "mountPath": "/data", "readOnly": True}]
    assert live.run(body)["status"]["phase"] == "Failed"
    assert "Read-only file system" in live.log("readonly")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}, {"Authorization": "Basic dGVzdDp0ZXN0"}])
def test_requests_without_the_token_are_rejected(live: Live, headers: dict[str, str]) -> None:
    pool = live.raw.rest_client.pool_manager
    for path in ("/api/v1/namespaces/default/pods", "/version", "/dagf/status", "/healthz"):
        answer = pool.request("GET", live.handle.server + path, headers=headers)
        assert answer.status == 401
        assert json.loads(answer.data)["reason"] == "Unauthorized"


def test_the_server_listens_on_loopback_only(live: Live) -> None:
    port = int(live.handle.server.rpartition(":")[2])
    addresses = set()
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(file).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                addresses.add(local.partition(":")[0])
    assert addresses == {"0100007F"}


def test_only_the_owner_can_read_the_secrets_of_the_server(live: Live) -> None:
    for name in ("kubeconfig", "token", "server.key"):
        assert (live.handle.state / name).stat().st_mode & 0o077 == 0, name
