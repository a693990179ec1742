"""Simulated faults: the commands that create them, and their effect on pods and the operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.exceptions import AirflowException
from click.testing import CliRunner, Result
from kubernetes.client import ApiException
from live import Live, pod, running, terminated, until
from operators import context, operator

from dag_factory import cluster
from dag_factory.cli.main import main
from dag_factory.cluster import faults_client

FOREVER = "echo begun; while true; do sleep 0.05; done"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A separate cluster, because a lost node affects all its pods."""
    with running(tmp_path_factory.mktemp("faulty")) as found:
        yield found


@pytest.fixture(autouse=True)
def _clear_faults(faulty: Live) -> Iterator[None]:
    yield
    faults_client.clear(faulty.handle.state)


def _dagf(live: Live, *words: str) -> Result:
    return CliRunner().invoke(main, ["cluster", words[0], "--state", str(live.handle.state), *words[1:]])


def _started(live: Live, name: str) -> None:
    until(lambda: live.get(name)["status"]["phase"] == "Running" and "begun" in live.log(name))


def test_out_of_memory_strikes_running_pods(faulty: Live) -> None:
    faulty.create(pod("train-1", FOREVER))
    _started(faulty, "train-1")
    assert "Pods affected: 1 now." in _dagf(faulty, "fault", "--oom", "--pod", "train-*").output
    found = faulty.phase("train-1", "Failed")
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (137, "OOMKilled")
    assert faulty.log("train-1") == "begun\n"


def test_a_fault_waits_for_pods_and_strikes_the_given_number(faulty: Live) -> None:
    result = _dagf(faulty, "fault", "--oom", "--pod", "later-*", "--times", "2")
    assert "Pods affected: 0 now, and 2 that start later." in result.output
    assert "oom for the next 2 of pods later-*" in _dagf(faulty, "status").output
    assert faulty.run(pod("other", "true"))["status"]["phase"] == "Succeeded"
    for name in ("later-1", "later-2"):
        assert terminated(faulty.run(pod(name, FOREVER)))["reason"] == "OOMKilled"
    assert faulty.run(pod("later-3", "true"))["status"]["phase"] == "Succeeded"
    assert "No faults are pending." in _dagf(faulty, "fault").output


def test_the_operator_reports_out_of_memory(faulty: Live) -> None:
    faults_client.fail_pods(faulty.handle.state, "oom", "opoom-*")
    with pytest.raises(AirflowException, match="OOMKilled"):
        operator(faulty, "opoom", FOREVER).execute(context("opoom"))


def test_an_evicted_pod_fails_and_is_not_deleted(faulty: Live) -> None:
    faulty.create(pod("moved", FOREVER, terminationGracePeriodSeconds=30))
    _started(faulty, "moved")
    assert _dagf(faulty, "evict", "moved").output == "Evicted default/moved.\n"
    status = faulty.phase("moved", "Failed")["status"]
    assert status["reason"] == "Evicted"
    assert status["message"].startswith("The node was low on resource: memory.")
    assert ("DisruptionTarget", "TerminationByKubelet") in [(c["type"], c.get("reason")) for c in status["conditions"]]
    assert ("Warning", "Evicted", status["message"]) in faulty.events("moved")
    refused = _dagf(faulty, "evict", "moved")
    assert (refused.exit_code, "is not running; its phase is Failed" in refused.output) == (2, True)
    assert 'pods "nobody" not found' in _dagf(faulty, "evict", "nobody").output


def test_a_lost_node_loses_its_pods_and_is_replaced(faulty: Live) -> None:
    faulty.create(pod("lost", FOREVER))
    _started(faulty, "lost")
    version = faulty.get("lost")["metadata"]["resourceVersion"]
    _dagf(faulty, "fault", "--node-lost", "--after", "0.5")
    faulty.create(pod("next", "echo begun"))
    assert "had untolerated taint" in str(until(lambda: faulty.get("next")["status"].get("conditions")))
    seen = []
    for event in faulty.watch(field_selector="metadata.name=lost", resource_version=version, timeout_seconds=120):
        status = event["raw_object"]["status"]
        reasons = {c["type"]: c.get("reason") for c in status["conditions"]}
        seen.append((event["type"], status["phase"], reasons.get("DisruptionTarget")))
        if event["type"] == "DELETED":
            break
    assert seen[-2:] == [("MODIFIED", "Failed", "DeletionByPodGC"), ("DELETED", "Failed", "DeletionByPodGC")]
    assert seen[0][:2] == ("MODIFIED", "Running")
    faulty.phase("next", "Succeeded")


def test_a_share_of_api_requests_fails(faulty: Live) -> None:
    assert "50% of the API's responses are errors" in _dagf(faulty, "fault", "--api-errors", "50%").output
    codes = set()
    for _ in range(60):
        try:
            faulty.get("nobody")
        except ApiException as failure:
            codes.add(failure.status)
            assert json.loads(failure.body)["kind"] == "Status"
    assert codes - {404} and codes <= {404, 429, 500, 503}
    assert _dagf(faulty, "ps").exit_code == 0  # the project's own commands still work
    assert "No faults are pending." in _dagf(faulty, "fault", "--clear").output
    assert "is not a fraction" in _dagf(faulty, "fault", "--api-errors", "lots").output


def test_the_commands_ps_and_logs(faulty: Live) -> None:
    second = {"name": "second", "image": "alpine:3", "command": ["sh", "-c", "echo two"]}
    faulty.run(pod("spoken", "echo one; echo more", more=[second]))
    faulty.create(pod("goes-on", FOREVER))
    _started(faulty, "goes-on")
    lines = _dagf(faulty, "ps").output.splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert ["default", "goes-on", "1/1", "Running", "0"] in [line.split()[:5] for line in lines]
    assert "spoken" not in "".join(lines)
    assert "spoken" in _dagf(faulty, "ps", "-a").output
    assert _dagf(faulty, "logs", "spoken").stdout == "one\nmore\ntwo\n"
    assert _dagf(faulty, "logs", "spoken", "-c", "base", "--tail", "1").stdout == "more\n"
    assert 'pods "nobody" not found' in _dagf(faulty, "logs", "nobody").output
    faulty.api.delete_namespaced_pod("goes-on", "default", grace_period_seconds=0)


def test_a_fault_without_a_cluster_raises(tmp_path: Path) -> None:
    with pytest.raises(cluster.ClusterError):
        faults_client.evict(tmp_path, "p")


def test_a_pod_that_exceeds_its_volume_limit_is_evicted(faulty: Live) -> None:
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    script = "head -c 3000000 /dev/zero > /v/f; " + FOREVER
    found = faulty.run(pod("fills", script, volumes=volumes, container=mounts))
    assert found["status"]["reason"] == "Evicted"
    assert found["status"]["message"] == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
