"""Compares the local cluster's responses with those of a real Kubernetes 1.33, in every field.

DIFFERENCES lists the intended differences with their reasons. An entry that no longer matches anything fails, too.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from live import Live, running, until
from recording import Difference, Life, compare, frames, get, load, names, replay

PODS = "/api/v1/namespaces/default/pods"
# A regular expression for the paths of fields, and the reason.
DIFFERENCES = [
    (r"^version\.answer\.(gitCommit|goVersion|compiler|gitVersion)", "another program"),
    (r"^discovery\./api\.answer\.serverAddress", "the address of this server"),
    (r"^discovery\./apis\.answer\.groups\.", "unsupported groups: see docs/local-cluster.md"),
    (
        r"^discovery\./api/v1\.answer\.resources\.[^.]*\.storageVersionHash",
        "objects are not stored in several API versions",
    ),
    (
        r"^discovery\./api/v1\.answer\.resources\.(bindings|componentstatuses|endpoints|limitranges|nodes/proxy"
        r"|persistentvolumes|podtemplates|replicationcontrollers|resourcequotas|services|serviceaccounts/token"
        r"|namespaces/finalize|pods/(attach|binding|ephemeralcontainers|portforward|proxy|resize))",
        "unsupported resources",
    ),
    (r"^discovery\./api/v1\.answer\.resources\.nodes\.verbs", "the only node can't be created or deleted"),
    (
        r"^life-noimage\.(.*\.state\.waiting\.message$|events\.Failed\(Failed to pull image )",
        "the message first names the folder that could provide the image",
    ),
    (r"^node\.answer\.items\[0\]\.status\.(capacity|allocatable)\.", "the capacity is a setting"),
    (r"^node\.answer\.items\[0\]\.status\.(nodeInfo|images)", "there is no containerd and no list of images"),
    (r"^node\.answer\.items\[0\]\.status\.daemonEndpoints", "the kubelet has no port"),
    (r"^node\..*annotations\.dagf\.dev/stand-in", "marks the node as a local one"),
    (
        r"(\.hostIP|\.podIP|IPs\[0\]\.ip|addresses\[0\]\.address)$",
        "the network is that of this machine: 127.0.0.1 for all pods",
    ),
    (r"\.sources\[3\]$", "a certificate of the recorded distribution"),
    (
        r"\.containerStatuses.*\.image$|\.initContainerStatuses.*\.image$",
        "the real cluster shows another name of the same image",
    ),
    (r"\.containerID$", "process:// instead of containerd://"),
    (r"^errors\.no credentials\.", "there is no anonymous user: 401 instead of 403"),
    (
        r"^patch\.immutable\.answer\.(message|details\.causes\[0\]\.message)$",
        "the names of the fields instead of a Go diff",
    ),
    (r"^selectors\.limit\.metadata\.continue$", "an opaque token"),
    (r"^table\..*\.description$", "long descriptions of columns, which kubectl does not show"),
    (r"^table\.pods\.answer\.rows\[\d+\]\.cells\[4\]$|^table\.nodes\.answer\.rows\[0\]\.cells\[3\]$", "ages"),
    (r"^table\.pods\.answer\.rows\[\d+\]\.cells\[5\]$|^table\.nodes\.answer\.rows\[0\]\.cells\[5\]$", "addresses"),
    (r"^table\.nodes\.answer\.rows\[0\]\.cells\[[89]\]$", "there is no containerd"),
    (r"^table\.nodes\.answer\.rows\[0\].*stand-in", "marks the node as a local one"),
]

# These differences depend on timing.
TIMING = [
    (r"^life-.*\.events\..*\.count$", "the number of repetitions so far"),
    (r"^life-(oom|exits3)\.status_steps\[2\]\.phase$", "a real kubelet is too slow to report Running in between"),
    (r"^table\.pods\.answer\.rows\[3\]", "the progress of a pod that was just created"),
    (r"^table\.pods\.answer\.rows\[6\]\.cells\[2\]$", "ErrImagePull whenever the image is pulled again"),
    (r"^life-noimage\.final\..*\.state\.waiting\.reason$", "ErrImagePull whenever the image is pulled again"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Difference]]:
    with running(tmp_path_factory.mktemp("recorded")) as live:
        yield list(record(live))


def record(live: Live) -> Iterator[Difference]:
    """Send the recorded requests in order. Pods that do not depend on each other run in parallel."""
    for name in ("version", "discovery", "node"):
        yield from replay(live, load(name), name)
    alone = [Life(live, name) for name in names("life-") if name not in ("life-sidecar", "life-deleted")]
    kept = load("secret-and-config-map")
    for kind, body in (("secrets", {"stringData": {"key": "hush"}}), ("configmaps", {"data": {"file.txt": "hello"}})):
        live.call("POST", f"/api/v1/namespaces/default/{kind}", {"metadata": {"name": "rec"}, **body})
    yield from replay(live, kept, "secret-and-config-map")
    for life in alone:
        life.wait()
        yield from life.differences()
    for name in ("logs-plain", "logs-variants", "logs-while-waiting"):
        yield from replay(live, load(name), name)
    sidecar = Life(live, "life-sidecar")
    sidecar.wait()
    yield from sidecar.differences()
    yield from compare(load("exec"), {name: _exec(live, *words) for name, words in EXEC.items()}, "exec")
    yield from compare(load("exec-end-sidecar"), _exec(live, "sh", "-c", "kill -2 1"), "exec-end-sidecar")
    live.phase("sidecar", "Succeeded", "Failed")
    yield from replay(live, load("sidecar-after-end"), "sidecar-after-end")
    yield from _deleted(live)
    yield from _errors(live)
    yield from replay(live, load("patch"), "patch")
    yield from _selectors(live)
    yield from replay(live, load("table"), "table")


EXEC = {
    "ok": ["sh", "-c", "cat /airflow/xcom/return.json; echo warn >&2"],
    "exit 7": ["sh", "-c", "exit 7"],
    "no such program": ["/nope"],
}


def _exec(live: Live, *command: str) -> dict[str, Any]:
    return {"subprotocol": "v4.channel.k8s.io", "frames": frames(live, "sidecar", "airflow-xcom-sidecar", *command)}


def _deleted(live: Live) -> Iterator[Difference]:
    """A pod that is deleted while it runs, seen by a watch."""
    seen: list[dict[str, Any]] = []

    def watch() -> None:
        for event in live.watch(label_selector="job=deleted", timeout_seconds=300):
            obj = event["raw_object"]
            meta, status = obj["metadata"], obj["status"]
            seen.append({
                "type": event["type"],
                "phase": status.get("phase"),
                "rv": meta["resourceVersion"],
                "deletionTimestamp": meta.get("deletionTimestamp"),
                "grace": meta.get("deletionGracePeriodSeconds"),
                "kind": obj.get("kind"),
                "containers": [c.get("state") for c in status.get("containerStatuses") or []],
            })  # fmt: skip
            if event["type"] == "DELETED":
                return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    life = Life(live, "life-deleted")
    live.phase("deleted", "Running")
    live.waits_for_handler("deleted", signal.SIGTERM)
    yield from replay(live, load("delete-running"), "delete-running")
    life.wait()
    yield from life.differences()
    until(lambda: not watching.is_alive())
    real = [event for event in load("watch-stream") if event["kind"] == "Pod"]
    real = [e for e in real if e["type"] != "BOOKMARK"]
    yield from compare(real, seen, "watch-stream")


def _errors(live: Live) -> Iterator[Difference]:
    real = load("errors")
    not_json, stranger = real.pop("not json"), real.pop("no credentials")
    yield from replay(live, real, "errors")
    pool = live.raw.rest_client.pool_manager
    token, kind = {"Authorization": f"Bearer {live.token}"}, {"Content-Type": "application/json"}
    for name, one, options in (
        ("not json", not_json, {"method": "POST", "body": b"{", "headers": {**token, **kind}}),
        ("no credentials", stranger, {"method": "GET"}),
    ):
        answer = pool.request(url=live.handle.server + PODS, **options)
        ours = {"status": answer.status, "answer": json.loads(answer.data)}
        yield from compare(one, ours, f"errors.{name}")


def _selectors(live: Live) -> Iterator[Difference]:
    real = load("selectors")
    yield from replay(live, {"bad selector": real.pop("bad selector")}, "selectors")
    node = live.api.list_node().items[0].metadata.name
    for name, one in real.items():
        if name == "limit":
            got = get(live, PODS, limit="2")
        elif name.startswith("field "):
            got = get(live, PODS, fieldSelector=name.removeprefix("field ").replace("=vm", f"={node}"))
        else:
            got = get(live, PODS, labelSelector=name)
        ours = {"status": 200, "kind": got["kind"], "names": [i["metadata"]["name"] for i in got["items"]]}
        ours |= {"metadata": got["metadata"]}
        if "status.phase" in name:
            one, ours = _without_new(one), _without_new(ours)
        yield from compare(one, ours, f"selectors.{name}")


def _without_new(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without the pod that was just created: it may have ended already."""
    return {**answer, "names": [name for name in answer["names"] if not name.startswith("gen-")]}


def test_every_field_is_as_in_a_real_cluster(found: list[Difference]) -> None:
    unexplained = [d for d in found if not any(re.search(where, d.where) for where, _ in [*DIFFERENCES, *TIMING])]
    assert not unexplained, "\n" + "\n".join(map(str, unexplained))


def test_every_listed_difference_occurs(found: list[Difference]) -> None:
    assert [where for where, _ in DIFFERENCES if not any(re.search(where, d.where) for d in found)] == []
