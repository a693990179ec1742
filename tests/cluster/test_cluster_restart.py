"""What a restarted server restores, after a normal stop and after being killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from kubernetes.client import ApiException
from live import connect, pod, running, terminated, until

from dag_factory import cluster
from dag_factory.cluster.kubelet import disk
from dag_factory.cluster.objects.journal import Journal
from dag_factory.cluster.objects.store import Expired, Store

CLAIM = {
    "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "kept"}}],
    "container": {"volumeMounts": [{"name": "d", "mountPath": "/data"}]},
}


def test_a_killed_server_restores_pods_logs_claims_secrets_and_events(tmp_path: Path) -> None:
    config = cluster.ClusterConfig(tmp_path)
    live = connect(cluster.up(config))
    live.api.create_namespaced_secret("default", {"metadata": {"name": "s"}, "stringData": {"k": "hush"}})
    live.api.create_namespaced_config_map("default", {"metadata": {"name": "c"}, "data": {"k": "v"}})
    done = live.run(pod("done", "echo said; echo here > /data/f; exit 3", **CLAIM))
    live.run(pod("deleted"))
    live.api.delete_namespaced_pod("deleted", "default")
    live.gone("deleted")
    live.create(pod("never", "echo begun; sleep 60"))
    live.create(pod("patient", "test -e /data/second && exit 0; touch /data/second; sleep 60", **CLAIM))
    live.create(pod("restarted", "true", container={"image": "nope:1"}))
    until(lambda: live.get("never")["status"]["phase"] == "Running" and live.log("never"))
    until(lambda: (cluster.claim_folder(tmp_path, "default", "kept") / "second").exists())
    os.kill(live.handle.pid, signal.SIGKILL)

    live = connect(cluster.up(config))
    try:
        assert live.get("done") == done
        assert live.log("done") == "said\n"
        assert live.events("done")[0][1] == "Scheduled"
        assert (cluster.claim_folder(tmp_path, "default", "kept") / "f").read_text() == "here\n"
        assert live.api.read_namespaced_persistent_volume_claim("kept", "default").status.phase == "Bound"
        assert live.api.read_namespaced_secret("s", "default").data == {"k": "aHVzaA=="}
        assert live.api.read_namespaced_config_map("c", "default").data == {"k": "v"}
        assert [
            p.metadata.name for p in live.api.list_namespaced_pod("default").items if "ele" in p.metadata.name
        ] == []
        lost = live.get("never")
        assert (lost["status"]["phase"], terminated(lost)["exitCode"]) == ("Failed", 137)
        assert terminated(lost)["reason"] == "ContainerStatusUnknown"
        assert live.log("never") == "begun\n"
        # A pod that had not started continues.
        assert live.get("restarted")["status"]["phase"] == "Pending"
        live.waits_for("restarted", "ImagePullBackOff")
    finally:
        cluster.down(tmp_path)


def test_a_pod_restarts_after_the_server_was_killed(tmp_path: Path) -> None:
    config = cluster.ClusterConfig(tmp_path)
    live = connect(cluster.up(config))
    script = "test -e /data/second && exit 0; touch /data/second; sleep 60"
    live.create(pod("patient", script, restartPolicy="OnFailure", **CLAIM))
    until(lambda: (cluster.claim_folder(tmp_path, "default", "kept") / "second").exists())
    os.kill(live.handle.pid, signal.SIGKILL)
    live = connect(cluster.up(config))
    try:
        found = live.phase("patient", "Succeeded")
        status = found["status"]["containerStatuses"][0]
        assert status["restartCount"] == 1
        assert status["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"
    finally:
        cluster.down(tmp_path)


def test_a_normal_stop_is_a_node_shutdown(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        version = live.create(pod("p", "sleep 60")) and live.phase("p", "Running")["metadata"]["resourceVersion"]
    with running(tmp_path, node_cpu="3") as live:
        status = live.get("p")["status"]
        assert (status["phase"], status["reason"]) == ("Failed", "Terminated")
        assert live.api.list_node().items[0].status.capacity["cpu"] == "3"
        with pytest.raises(ApiException) as failure:
            next(iter(live.watch(resource_version=str(int(version) - 1), timeout_seconds=1)))
        assert failure.value.status == 410


def test_a_watch_from_before_the_restart_has_to_list_again(tmp_path: Path) -> None:
    journal, store = Journal(tmp_path / "j"), Store()
    store.add_listener(journal.record)
    store.create("pods", {"metadata": {"name": "a", "namespace": "d"}})
    store.create("pods", {"metadata": {"name": "b", "namespace": "d"}})
    store.delete("pods", "d", "b")
    before = store.version
    journal.close()
    later = Store()
    assert Journal(tmp_path / "j").restore(later) == 1
    assert later.version == before
    assert later.get("pods", "d", "a") == store.get("pods", "d", "a")
    with pytest.raises(Expired):
        later.changes_since("pods", before - 1)
    assert later.changes_since("pods", before) == []


def test_an_incomplete_line_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal, store = Journal(tmp_path / "j"), Store()
    store.add_listener(journal.record)
    store.create("pods", {"metadata": {"name": "a", "namespace": "d"}})
    journal.close()
    with (tmp_path / "j").open("a") as file:
        file.write('{"t": "ADDED", "r": "pods", "v": 10')
    assert Journal(tmp_path / "j").restore(Store()) == 1
    assert "Line 2 of" in caplog.text
    assert (tmp_path / "j").stat().st_mode & 0o077 == 0


def test_the_journal_does_not_grow_with_the_changes(tmp_path: Path) -> None:
    journal, store = Journal(tmp_path / "j"), Store()
    store.add_listener(journal.record)
    obj = store.create("configmaps", {"metadata": {"name": "a", "namespace": "d"}})
    for index in range(300):
        obj = store.update("configmaps", {**obj, "data": {"k": str(index) * 30_000}})
    assert (tmp_path / "j").stat().st_size < 10 * 2**20
    again = Store()
    Journal(tmp_path / "j").restore(again)
    assert again.get("configmaps", "d", "a") == obj


def test_the_oldest_finished_pods_are_deleted_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = [{"metadata": {"uid": str(i), "creationTimestamp": f"2026-01-01T00:00:0{i}Z"}} for i in range(6)]
    monkeypatch.setattr(disk, "FINISHED_PODS", 4)
    assert [p["metadata"]["uid"] for p in disk.surplus(pods, {})] == ["0", "1"]
    monkeypatch.setattr(disk, "LOG_BYTES", 100)
    assert [p["metadata"]["uid"] for p in disk.surplus(pods, {"3": 80, "5": 50})] == ["0", "1", "2", "3"]
    assert json.dumps(disk.surplus(pods[:2], {})) == "[]"


def test_logs_of_deleted_pods_are_deleted(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        live.run(pod("p", "echo x"))
        live.api.delete_namespaced_pod("p", "default", grace_period_seconds=0)
        with pytest.raises(ApiException):
            live.log("p")
    with running(tmp_path):
        until(lambda: not list((tmp_path / "logs").iterdir()))
