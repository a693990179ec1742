"""The life of the server: start, stop, restart, being killed, and the commands of ``dagf cluster``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from live import connect, pod, running, until
from test_cluster_isolation import processes

from dag_factory import cluster
from dag_factory.cli.main import main
from dag_factory.cluster.access import holder_pid
from dag_factory.cluster.config import StateDir


def _groups(pid: int) -> list[Path]:
    # `os.walk` skips the groups that other servers remove meanwhile.
    return [Path(top) / name for top, names, _ in os.walk("/sys/fs/cgroup") for name in names if name == f"dagf-{pid}"]


def test_connections_do_not_take_the_port_of_a_stopped_server(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        port = int(live.handle.server.rpartition(":")[2])
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 < port < first


@pytest.mark.parametrize("isolation", ["best", "user-namespace", "plain"])
def test_a_killed_server_leaves_no_process(tmp_path: Path, isolation: str) -> None:
    mark = f"sleep 6{time.time_ns() % 1_000_000:06d}"
    config = cluster.ClusterConfig(tmp_path, isolation=isolation)
    handle = cluster.up(config)
    live = connect(handle)
    live.create(pod("p", f"(setsid {mark} & ); {mark}"))
    until(lambda: len(processes(mark)) >= 2)
    os.kill(handle.pid, signal.SIGKILL)
    until(lambda: not processes(mark))
    until(lambda: not _groups(handle.pid))
    again = cluster.up(config)
    assert again.server == handle.server  # clients that have loaded the kubeconfig still work
    assert live.get("p")["status"]["phase"] == "Failed"
    cluster.down(tmp_path)


def test_the_next_start_cleans_up_after_a_killed_server_and_launcher(tmp_path: Path) -> None:
    mark = f"sleep 7{time.time_ns() % 1_000_000:06d}"
    handle = cluster.up(cluster.ClusterConfig(tmp_path))
    connect(handle).create(pod("p", f"(setsid {mark} & ); {mark}"))
    until(lambda: len(processes(mark)) >= 2)
    launcher = int(Path(f"/proc/{handle.pid}/task/{handle.pid}/children").read_text().split()[0])
    os.kill(handle.pid, signal.SIGKILL)
    os.kill(launcher, signal.SIGKILL)
    until(lambda: not processes(mark))
    cluster.up(cluster.ClusterConfig(tmp_path))
    assert not _groups(handle.pid)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    cluster.down(tmp_path)


def test_the_server_ends_when_its_launcher_dies(tmp_path: Path) -> None:
    handle = cluster.up(cluster.ClusterConfig(tmp_path))
    launcher = int(Path(f"/proc/{handle.pid}/task/{handle.pid}/children").read_text().split()[0])
    os.kill(launcher, signal.SIGKILL)
    until(lambda: holder_pid(StateDir(tmp_path)) is None)
    assert "the launcher was killed" in handle.log.read_text()


def test_down_ends_pods_and_keeps_claims(tmp_path: Path) -> None:
    mark = f"sleep 8{time.time_ns() % 1_000_000:06d}"
    with running(tmp_path, claims=("kept",)) as live:
        volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "kept"}}]
        mounts = {"volumeMounts": [{"name": "d", "mountPath": "/data"}]}
        live.create(pod("p", f"echo here > /data/f; {mark}", volumes=volumes, container=mounts))
        until(lambda: processes(mark))
    assert not processes(mark)
    assert (cluster.claim_folder(tmp_path, "default", "kept") / "f").read_text() == "here\n"
    with running(tmp_path, claims=("kept",)) as live:
        live.run(pod("q", "cat /data/f", volumes=volumes, container=mounts))
        assert live.log("q") == "here\n"


def test_two_simultaneous_starts_create_one_cluster(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from dag_factory.cluster import *;"
        "print(up(ClusterConfig(Path(sys.argv[1]))).pid)"
    )
    both = [subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE) for _ in range(2)]
    assert len({process.communicate()[0] for process in both}) == 1
    assert cluster.down(tmp_path)
    assert not cluster.down(tmp_path)


def test_a_failed_start_reports_the_reason(tmp_path: Path) -> None:
    with pytest.raises(cluster.ClusterError, match="quantities must match"):
        cluster.up(cluster.ClusterConfig(tmp_path, node_memory="lots"))


def test_the_commands(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    state = ["--state", str(tmp_path / "state")]

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["cluster", *words])

    assert run("status", *state).exit_code == 1
    try:
        first = run("up", *state, "--image", f"mine:*={tmp_path / 'job'}", "--gpus", "1")
        assert first.exit_code == 0, first.output
        assert "for development only" in first.output
        assert f"export KUBECONFIG={tmp_path}/state/kubeconfig" in first.output
        assert "runs already" in run("up", *state).output
        found = run("status", *state)
        assert "1 GPUs" in found.output
        assert "No pods." in found.output
        assert f"export KUBECONFIG={tmp_path}/state/kubeconfig" in found.output
    finally:
        assert run("down", *state).output == "Stopped.\n"
    assert run("down", *state).output == "Nothing was running.\n"
    assert "PATTERN=FOLDER" in run("up", *state, "--image", "nonsense").output
