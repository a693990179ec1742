"""Objects over HTTP, and the environment and volumes that pods get from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kubernetes import client
from kubernetes.client import ApiException
from live import Live, pod, until

from dag_factory import cluster

PODS = "/api/v1/namespaces/default/pods"


def _failure(live: Live, method: str, path: str, body: object = None, **options: str) -> dict:
    with pytest.raises(ApiException) as failure:
        live.call(method, path, body, **options)
    status: dict = json.loads(failure.value.body)
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", failure.value.status)
    return status


def test_a_secret_and_a_config_map_as_environment_and_files(live: Live) -> None:
    live.api.create_namespaced_secret("default", {"metadata": {"name": "s"}, "stringData": {"key": "hush", "b": "2"}})
    live.api.create_namespaced_config_map("default", {"metadata": {"name": "c"}, "data": {"file.txt": "hello\n"}})
    body = pod(
        "configured",
        "echo $S $PRE_key $N $GREETING $CPU; cat /cfg/file.txt /sec/deep/key; echo; "
        "stat -Lc %a /sec/deep/key; cat /only",
        volumes=[
            {"name": "cfg", "configMap": {"name": "c"}},
            {"name": "sec", "secret": {"secretName": "s", "items": [{"key": "key", "path": "deep/key", "mode": 256}]}},
        ],
        container={
            "env": [
                {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
                {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "GREETING", "value": "$(S)-$(UNKNOWN)-$$(S)"},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
            ],
            "envFrom": [{"prefix": "PRE_", "secretRef": {"name": "s"}}],
            "volumeMounts": [
                {"name": "cfg", "mountPath": "/cfg"},
                {"name": "sec", "mountPath": "/sec", "readOnly": True},
                {"name": "cfg", "mountPath": "/only", "subPath": "file.txt"},
            ],
            "resources": {"limits": {"memory": "96Mi"}},
        },
    )
    assert live.run(body)["status"]["phase"] == "Succeeded"
    assert live.log("configured") == "hush hush configured hush-$(UNKNOWN)-$(S) 96\nhello\nhush\n400\nhello\n"


def test_a_claim_keeps_its_files_between_pods(live: Live) -> None:
    volume = {
        "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "kept"}}],
        "container": {"volumeMounts": [{"name": "d", "mountPath": "/data", "subPath": "inner"}]},
    }
    live.run(pod("writer", "echo kept > /data/f", **volume))
    live.run(pod("reader", "cat /data/f", **volume))
    assert live.log("reader") == "kept\n"
    assert (cluster.claim_folder(live.handle.state, "default", "kept") / "inner" / "f").read_text() == "kept\n"
    assert live.api.read_namespaced_persistent_volume_claim("kept", "default").status.phase == "Bound"


def test_a_pod_waits_for_a_missing_config_map_volume(live: Live) -> None:
    volumes = [{"name": "v", "configMap": {"name": "later"}}]
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    live.create(pod("mountwaits", "cat /v/k", volumes=volumes, container=mounts))
    until(lambda: any(reason == "FailedMount" for _, reason, _ in live.events("mountwaits")))
    assert 'configmap "later" not found' in live.events("mountwaits")[-1][2]
    live.api.create_namespaced_config_map("default", {"metadata": {"name": "later"}, "data": {"k": "now"}})
    live.phase("mountwaits", "Succeeded")


@pytest.mark.parametrize(
    ("make", "change"),
    [
        ("create_namespaced_secret", "secret"),
        ("create_namespaced_config_map", "config_map"),
        ("create_namespaced_persistent_volume_claim", "persistent_volume_claim"),
    ],
)
def test_create_read_replace_patch_delete(live: Live, make: str, change: str) -> None:
    body = {"metadata": {"name": "crud", "labels": {"a": "1"}}}
    if change == "persistent_volume_claim":
        body["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    made = getattr(live.api, make)("default", body)
    made.metadata.labels["a"] = "2"
    replaced = getattr(live.api, f"replace_namespaced_{change}")("crud", "default", made)
    with pytest.raises(ApiException) as failure:  # from the previous version
        getattr(live.api, f"replace_namespaced_{change}")("crud", "default", made)
    assert failure.value.status == 409
    assert int(replaced.metadata.resource_version) > int(made.metadata.resource_version)
    patched = getattr(live.api, f"patch_namespaced_{change}")("crud", "default", {"metadata": {"labels": {"b": "3"}}})
    assert patched.metadata.labels == {"a": "2", "b": "3"}
    answer = getattr(live.api, f"delete_namespaced_{change}")("crud", "default")
    assert getattr(answer, "status", "Success") is not None
    with pytest.raises(ApiException) as failure:
        getattr(live.api, f"read_namespaced_{change}")("crud", "default")
    assert failure.value.status == 404


def test_failures_as_a_real_cluster_words_them(live: Live) -> None:
    live.run(pod("taken"))
    status = _failure(live, "POST", PODS, pod("taken"))
    assert (status["code"], status["reason"], status["message"]) == (
        409,
        "AlreadyExists",
        'pods "taken" already exists',
    )
    status = _failure(live, "POST", PODS, pod("Bad_Name"))
    assert (status["code"], status["details"]["causes"][0]["field"]) == (422, "metadata.name")
    status = _failure(live, "POST", PODS, pod("q", container={"resources": {"limits": {"memory": "lots"}}}))
    assert status["message"] == (
        'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )
    resources = {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}
    status = _failure(live, "POST", PODS, pod("q", container=resources))
    assert status["message"] == (
        'Pod "q" is invalid: spec.containers[0].resources.requests: Invalid value: "2": '
        "must be less than or equal to cpu limit of 1"
    )
    status = _failure(live, "POST", PODS, pod("q", labels={"x": "a b"}))
    assert (status["code"], status["reason"]) == (422, "Invalid")
    status = _failure(live, "POST", PODS, {"metadata": {"name": "q"}, "spec": {"containers": []}})
    assert status["message"] == 'Pod "q" is invalid: spec.containers: Required value'
    status = _failure(live, "POST", "/api/v1/namespaces/nowhere/pods", pod("x"))
    assert status["message"] == 'namespaces "nowhere" not found'
    status = _failure(live, "GET", f"{PODS}/nobody")
    assert (status["message"], status["details"]) == ('pods "nobody" not found', {"name": "nobody", "kind": "pods"})
    status = _failure(live, "GET", "/api/v1/namespaces/default/widgets")
    assert status["message"] == "the server could not find the requested resource"
    status = _failure(live, "GET", PODS, labelSelector="a=b=c")
    assert status["message"] == "found '=', expected: ',' or 'end of string'"
    status = _failure(live, "POST", PODS, pod("q", priorityClassName="nobodys"))
    assert status["message"] == 'pods "q" is forbidden: no PriorityClass with name nobodys was found'
    status = _failure(live, "PATCH", f"{PODS}/taken", {"spec": {"nodeName": "x"}}, kind="application/merge-patch+json")
    assert (status["code"], status["details"]["causes"][0]["reason"]) == (422, "FieldValueForbidden")


def test_the_three_patches(live: Live) -> None:
    live.run(pod("patched", labels={"job": "x"}))
    path = f"{PODS}/patched"
    for kind, body in (
        ("application/merge-patch+json", {"metadata": {"labels": {"checked": "True"}}}),
        ("application/strategic-merge-patch+json", {"metadata": {"annotations": {"a": "b"}}}),
        ("application/json-patch+json", [{"op": "add", "path": "/metadata/labels/y", "value": "z"}]),
    ):
        found = live.call("PATCH", path, body, kind=kind)
    assert found["metadata"]["labels"] == {"job": "x", "checked": "True", "y": "z"}
    assert found["metadata"]["annotations"] == {"a": "b"}
    assert found["status"]["phase"] == "Succeeded"


def test_selectors_choose_pods(live: Live) -> None:
    for index in range(3):
        live.run(pod(f"sel{index}", f"exit {index}", labels={"app": "sel", "n": str(index)}))

    def names(**query: str) -> list[str]:
        return [item["metadata"]["name"] for item in live.call("GET", PODS, **query)["items"]]

    assert names(labelSelector="app=sel,n in (0,2)") == ["sel0", "sel2"]
    assert names(labelSelector="app=sel,n notin (0)") == ["sel1", "sel2"]
    assert names(labelSelector="app=sel,n!=1,!checked") == ["sel0", "sel2"]
    assert names(labelSelector="app=sel", fieldSelector="status.phase=Failed") == ["sel1", "sel2"]
    page = live.call("GET", PODS, labelSelector="app=sel", limit="2")
    assert [i["metadata"]["name"] for i in page["items"]] == ["sel0", "sel1"]
    assert names(labelSelector="app=sel", limit="2", **{"continue": page["metadata"]["continue"]}) == ["sel2"]


def test_a_watch_resumes_or_reports_that_it_cannot(live: Live) -> None:
    start = live.call("GET", PODS)["metadata"]["resourceVersion"]
    live.run(pod("watched", labels={"w": "1"}))
    kinds = []
    for event in live.watch(label_selector="w=1", resource_version=start, timeout_seconds=300):
        kinds.append((event["type"], event["raw_object"]["status"]["phase"]))
        if kinds[-1][1] == "Succeeded":
            break
    assert kinds[0] == ("ADDED", "Pending")
    assert ("MODIFIED", "Running") in kinds
    with pytest.raises(ApiException) as failure:
        list(live.watch(resource_version="1", timeout_seconds=30))
    assert failure.value.status == 410


def test_events_can_be_watched_with_a_timeout(live: Live) -> None:
    live.run(pod("eventful"))
    selector = "involvedObject.name=eventful"
    found = client.CoreV1Api(live.raw).list_namespaced_event(
        "default", field_selector=selector, resource_version="1", resource_version_match="NotOlderThan"
    )
    assert [event.reason for event in found.items] == ["Scheduled", "Pulled", "Created", "Started"]
    answer = live.api.list_namespaced_event(
        "default", field_selector=selector, watch=True, timeout_seconds=1, _preload_content=False
    )
    reasons = [json.loads(line)["object"]["reason"] for line in answer.data.splitlines()]
    assert reasons == ["Scheduled", "Pulled", "Created", "Started"]


def test_dry_run_and_generated_names(live: Live) -> None:
    made = live.api.create_namespaced_pod("default", pod("dry"), dry_run="All")
    assert made.metadata.uid
    with pytest.raises(ApiException):
        live.get("dry")
    body = pod("x")
    body["metadata"] = {"generateName": "gen-"}
    assert len(live.create(body)) == len("gen-") + 5


def test_host_paths_and_projected_volumes(live: Live, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("from the machine\n")
    live.api.create_namespaced_secret("default", {"metadata": {"name": "proj"}, "stringData": {"k": "v"}})
    sources = [
        {"secret": {"name": "proj"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    body = pod(
        "mixed",
        "cat /host/there /all/k /all/labels",
        labels={"team": "red"},
        volumes=[
            {"name": "h", "hostPath": {"path": str(tmp_path), "type": "Directory"}},
            {"name": "p", "projected": {"sources": sources}},
        ],
        container={"volumeMounts": [{"name": "h", "mountPath": "/host"}, {"name": "p", "mountPath": "/all"}]},
    )
    live.run(body)
    assert live.log("mixed") == 'from the machine\nvteam="red"'
