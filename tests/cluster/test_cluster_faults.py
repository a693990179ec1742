"""Trouble on demand: what a pipeline and its pods see of it, and the commands that make it."""

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
def ill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A cluster of its own: a lost node takes everybody's pods."""
    with running(tmp_path_factory.mktemp("ill")) as found:
        yield found


@pytest.fixture(autouse=True)
def _well_again(ill: Live) -> Iterator[None]:
    yield
    faults_client.clear(ill.handle.state)


def _dagf(live: Live, *words: str) -> Result:
    return CliRunner().invoke(main, ["cluster", words[0], "--state", str(live.handle.state), *words[1:]])


def _started(live: Live, name: str) -> None:
    until(lambda: live.get(name)["status"]["phase"] == "Running" and "begun" in live.log(name))


def test_out_of_memory_strikes_who_runs(ill: Live) -> None:
    ill.create(pod("train-1", FOREVER))
    _started(ill, "train-1")
    assert "Pods affected: 1 now." in _dagf(ill, "fault", "--oom", "--pod", "train-*").output
    found = ill.phase("train-1", "Failed")
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (137, "OOMKilled")
    assert ill.log("train-1") == "begun\n"


def test_a_fault_waits_for_its_pod_and_strikes_so_many_times(ill: Live) -> None:
    said = _dagf(ill, "fault", "--oom", "--pod", "later-*", "--times", "2")
    assert "Pods affected: 0 now, and 2 that start later." in said.output
    assert "oom for the next 2 of pods later-*" in _dagf(ill, "status").output
    assert ill.run(pod("other", "true"))["status"]["phase"] == "Succeeded"
    for name in ("later-1", "later-2"):
        assert terminated(ill.run(pod(name, FOREVER)))["reason"] == "OOMKilled"
    assert ill.run(pod("later-3", "true"))["status"]["phase"] == "Succeeded"
    assert "No faults are pending." in _dagf(ill, "fault").output


def test_the_operator_tells_of_memory_that_ran_out(ill: Live) -> None:
    faults_client.fail_pods(ill.handle.state, "oom", "opoom-*")
    with pytest.raises(AirflowException, match="OOMKilled"):
        operator(ill, "opoom", FOREVER).execute(context("opoom"))


def test_an_evicted_pod_fails_and_stays(ill: Live) -> None:
    ill.create(pod("moved", FOREVER, terminationGracePeriodSeconds=30))
    _started(ill, "moved")
    assert _dagf(ill, "evict", "moved").output == "Evicted default/moved.\n"
    status = ill.phase("moved", "Failed")["status"]
    assert status["reason"] == "Evicted"
    assert status["message"].startswith("The node was low on resource: memory.")
    assert ("DisruptionTarget", "TerminationByKubelet") in [(c["type"], c.get("reason")) for c in status["conditions"]]
    assert ("Warning", "Evicted", status["message"]) in ill.events("moved")
    refused = _dagf(ill, "evict", "moved")
    assert (refused.exit_code, "is not running; its phase is Failed" in refused.output) == (2, True)
    assert 'pods "nobody" not found' in _dagf(ill, "evict", "nobody").output


def test_a_lost_node_takes_its_pods_and_another_comes(ill: Live) -> None:
    ill.create(pod("lost", FOREVER))
    _started(ill, "lost")
    version = ill.get("lost")["metadata"]["resourceVersion"]
    _dagf(ill, "fault", "--node-lost", "--after", "0.5")
    ill.create(pod("next", "echo begun"))
    assert "had untolerated taint" in str(until(lambda: ill.get("next")["status"].get("conditions")))
    seen = []
    for event in ill.watch(field_selector="metadata.name=lost", resource_version=version, timeout_seconds=120):
        status = event["raw_object"]["status"]
        reasons = {c["type"]: c.get("reason") for c in status["conditions"]}
        seen.append((event["type"], status["phase"], reasons.get("DisruptionTarget")))
        if event["type"] == "DELETED":
            break
    assert seen[-2:] == [("MODIFIED", "Failed", "DeletionByPodGC"), ("DELETED", "Failed", "DeletionByPodGC")]
    assert seen[0][:2] == ("MODIFIED", "Running")
    ill.phase("next", "Succeeded")


def test_an_api_that_fails(ill: Live) -> None:
    assert "50% of the API's responses are errors" in _dagf(ill, "fault", "--api-errors", "50%").output
    codes = set()
    for _ in range(60):
        try:
            ill.get("nobody")
        except ApiException as failure:
            codes.add(failure.status)
            assert json.loads(failure.body)["kind"] == "Status"
    assert codes - {404} and codes <= {404, 429, 500, 503}
    assert _dagf(ill, "ps").exit_code == 0  # the project's own commands go on
    assert "No faults are pending." in _dagf(ill, "fault", "--clear").output
    assert "is not a fraction" in _dagf(ill, "fault", "--api-errors", "lots").output


def test_ps_and_logs_for_people(ill: Live) -> None:
    second = {"name": "second", "image": "alpine:3", "command": ["sh", "-c", "echo two"]}
    ill.run(pod("spoken", "echo one; echo more", more=[second]))
    ill.create(pod("goes-on", FOREVER))
    _started(ill, "goes-on")
    lines = _dagf(ill, "ps").output.splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert ["default", "goes-on", "1/1", "Running", "0"] in [line.split()[:5] for line in lines]
    assert "spoken" not in "".join(lines)
    assert "spoken" in _dagf(ill, "ps", "-a").output
    assert _dagf(ill, "logs", "spoken").stdout == "one\nmore\ntwo\n"
    assert _dagf(ill, "logs", "spoken", "-c", "base", "--tail", "1").stdout == "more\n"
    assert 'pods "nobody" not found' in _dagf(ill, "logs", "nobody").output
    ill.api.delete_namespaced_pod("goes-on", "default", grace_period_seconds=0)


def test_without_a_cluster_a_fault_raises(tmp_path: Path) -> None:
    with pytest.raises(cluster.ClusterError):
        faults_client.evict(tmp_path, "p")


def test_who_writes_more_than_its_volume_holds_is_evicted(ill: Live) -> None:
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    script = "head -c 3000000 /dev/zero > /v/f; " + FOREVER
    found = ill.run(pod("fills", script, volumes=volumes, container=mounts))
    assert found["status"]["reason"] == "Evicted"
    assert found["status"]["message"] == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
