"""The Docker engine: images, what a container sees, and that no container outlives the server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from live import Live, connect, pod, terminated, until

from dag_factory import cluster
from dag_factory.cluster.docker.client import DockerClient
from dag_factory.cluster.docker.hijack import take_frames


def ask(host: str, method: str, path: str, **query: Any) -> Any:
    return asyncio.run(DockerClient(Path(host.removeprefix("unix://"))).request(method, path, **query))


def containers(host: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(host, "GET", "/containers/json", all=1)
    return [one for one in found if one["Labels"].get("dagf.pod") == name]


def test_a_pod_runs_in_docker_containers_that_are_removed_with_it(docker: Live, docker_host: str) -> None:
    docker.create(pod("seen", "while true; do sleep 0.1; done", terminationGracePeriodSeconds=0))
    found = docker.phase("seen", "Running")
    (one,) = containers(docker_host, "seen")
    assert found["status"]["containerStatuses"][0]["containerID"] == f"docker://{one['Id']}"
    docker.api.delete_namespaced_pod("seen", "default")
    docker.gone("seen")
    until(lambda: not containers(docker_host, "seen"))
    status = cluster.status(docker.handle.state)
    assert status and status["engine"].startswith("docker ")


def test_a_container_sees_its_image_and_no_files_of_this_machine(docker: Live, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("mine")
    found = docker.run(
        pod("closed", f"cat {tmp_path}/here 2>&1; ls /; hostname", container={"image": "busybox:stable"})
    )
    assert found["status"]["phase"] == "Succeeded"
    words = docker.log("closed").split()
    assert "home" not in words and "etc" in words
    assert words[-1] == "closed"
    assert found["status"]["containerStatuses"][0]["imageID"].startswith("docker.io/library/busybox@sha256:")


def test_limits_user_groups_and_shared_memory(docker: Live) -> None:
    body = pod(
        "limited",
        "id -u; id -g; id -G; df -k /dev/shm | tail -1 | awk '{print $2}'; "
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null",
        volumes=[{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "128Mi"}}],
        securityContext={"runAsUser": 1234, "runAsGroup": 1235, "fsGroup": 77},
        container={
            "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
            "resources": {"limits": {"memory": "48Mi", "cpu": "500m"}},
        },
    )
    docker.run(body)
    assert docker.log("limited").split() == ["1234", "1235", "1235", "77", str(128 * 1024), str(48 * 2**20)]


def test_a_process_that_exceeds_the_memory_limit_ends_its_container(docker: Live) -> None:
    script = "(x=a; while true; do x=$x$x; done); echo survived; sleep 30"
    found = docker.run(pod("dockeroom", script, container={"resources": {"limits": {"memory": "48Mi"}}}))
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (137, "OOMKilled")


def test_a_folder_with_a_dockerfile_is_built(tmp_path: Path, docker_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        'FROM busybox:stable\nRUN echo built > /made\nCOPY job.sh /job.sh\nENTRYPOINT ["sh", "/job.sh"]\n'
    )
    (folder / "job.sh").write_text("cat /made; echo given $1\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "Dockerfile").write_text("FROM busybox:stable\nRUN echo the reason; exit 9\n")
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    images = {"examples/built:*": folder, "examples/broken:*": tmp_path / "broken"}
    config = cluster.ClusterConfig(tmp_path / "state", engine="docker", images=images)
    live = connect(cluster.up(config))
    try:
        live.run(pod("built", container={"image": "examples/built:1", "command": None, "args": ["x"]}))
        assert live.log("built") == "built\ngiven x\n"
        (folder / "job.sh").write_text("echo changed\n")
        live.run(pod("rebuilt", container={"image": "examples/built:1", "command": None}))
        assert live.log("rebuilt") == "changed\n"
        live.create(pod("broken", container={"image": "examples/broken:1"}))
        found = live.waits_for("broken", "ErrImagePull")
        assert "the reason" in json.dumps(found["status"])
    finally:
        cluster.down(config.state)


def test_a_killed_server_leaves_no_container(tmp_path: Path, docker_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    config = cluster.ClusterConfig(tmp_path, engine="docker")
    live = connect(cluster.up(config))
    live.run(pod("done", "echo said"))
    live.create(pod("orphan", "echo begun; sleep 600"))
    until(lambda: live.get("orphan")["status"]["phase"] == "Running" and live.log("orphan"))
    os.kill(live.handle.pid, signal.SIGKILL)
    until(lambda: not containers(docker_host, "orphan"))
    live = connect(cluster.up(config))
    try:
        assert live.log("done") == "said\n"
        assert terminated(live.get("orphan"))["reason"] == "ContainerStatusUnknown"
    finally:
        cluster.down(tmp_path)


def test_a_missing_engine_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = cluster.ClusterConfig(tmp_path, engine="docker")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(cluster.ClusterError, match=f"no Docker engine answers at {tmp_path}/none.sock"):
        cluster.up(config)
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    with pytest.raises(cluster.ClusterError, match="must be a unix:// address of this machine"):
        cluster.up(config)


def test_frames_are_read_however_the_connection_splits_them() -> None:
    stream = b"\x01\x00\x00\x00\x00\x00\x00\x03out" + b"\x02\x00\x00\x00\x00\x00\x00\x02no" + b"\x01\x00\x00"
    buffer, found = bytearray(), []
    for byte in stream:
        buffer.append(byte)
        found += take_frames(buffer)
    assert found == [(1, b"out"), (2, b"no")]
    assert buffer == b"\x01\x00\x00"
    assert list(take_frames(bytearray(stream))) == found
