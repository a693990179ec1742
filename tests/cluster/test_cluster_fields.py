"""The fields of pods: each is applied, or ignored with an event and a line in the documentation, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import Live, pod, terminated

from dag_factory.cluster.kubelet.pod import fields

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "kubernetes.schema.json").read_text())["$defs"]
ISOLATIONS = ("docker", "namespaces", "user-namespace", "plain")


@pytest.fixture(scope="module", params=["processes", "docker"])
def live(request: pytest.FixtureRequest) -> Live:
    """Both engines, one after the other."""
    found: Live = request.getfixturevalue(request.param)
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for child in schema.values():
            yield from _references(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from _references(child)


def _walk(name: str, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths of all fields below a definition of the schema, without the indexes of lists."""
    for key, schema in SCHEMA[name]["properties"].items():
        if key == "$patch":
            continue
        path = f"{prefix}.{key}" if prefix else key
        below = [found for found in _references(schema) if SCHEMA.get(found, {}).get("properties")]
        if not below:
            yield path
        for found in below:
            if found not in above:
                yield from _walk(found, path, (*above, found))


def _covered(path: str, entries: set[str]) -> bool:
    names = path.split(".")
    return any(".".join(names[:count]) in entries for count in range(1, len(names) + 1))


def test_every_field_of_a_pod_is_applied_ignored_or_refused() -> None:
    listed = {row.path for row in fields.IGNORED} | fields.APPLIED | fields.REFUSED
    paths = list(_walk("podSpecPatch"))
    assert len(paths) > 500
    same = [path.replace("initContainers.", "containers.", 1) for path in paths]
    assert [path for path in same if not _covered(path, listed)] == []
    known = {".".join(path.split(".")[:count]) for path in [*paths, *same] for count in range(1, 12)}
    known |= {"restartPolicy"}  # the language of pipelines does not let a pipeline set it
    below_limits = "containers.resources.limits."
    assert sorted(entry for entry in listed - known if not entry.startswith(below_limits)) == []


def test_the_documentation_lists_every_ignored_and_refused_field() -> None:
    text = (ROOT / "docs" / "local-cluster.md").read_text()
    wanted = {row.path for row in fields.IGNORED} | fields.REFUSED
    assert sorted(path for path in wanted if f"`{path}`" not in text) == []


def test_a_default_value_is_not_reported() -> None:
    spec: dict[str, Any] = {
        "hostPID": False,
        "schedulerName": "default-scheduler",
        "hostUsers": True,
        "imagePullSecrets": [],
        "dnsPolicy": "ClusterFirst",
        "securityContext": {"seccompProfile": {"type": "Unconfined"}},
        "volumes": [{"name": "t", "projected": {"sources": [_TOKEN]}}, {"name": "e", "emptyDir": {"medium": "Memory"}}],
        "containers": [{"name": "base", "tty": False, "ports": [{"containerPort": 80, "hostPort": 80}]}],
    }
    assert [found for isolation in ISOLATIONS for found in fields.ignored_fields(spec, isolation)] == []


_TOKEN = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}


def test_what_is_ignored_depends_on_the_isolation() -> None:
    spec = {
        "shareProcessNamespace": True,
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
        "initContainers": [{"name": "first", "restartPolicy": "Always", "tty": True}],
        "containers": [{"name": "base", "securityContext": {"privileged": True, "capabilities": {"drop": ["ALL"]}}}],
    }
    always = ["spec.shareProcessNamespace", "spec.initContainers[first].tty"]
    security = "spec.containers[base].securityContext"
    found = {isolation: set(fields.ignored_fields(spec, isolation)) - set(always) for isolation in ISOLATIONS}
    assert found == {
        "docker": set(),
        "namespaces": {f"{security}.privileged"},
        "user-namespace": {f"{security}.privileged", f"{security}.capabilities"},
        "plain": {f"{security}.privileged", f"{security}.capabilities", "spec.hostAliases"},
    }


def test_one_event_reports_the_ignored_fields(live: Live) -> None:
    live.run(pod("ignored", hostPID=True, imagePullSecrets=[{"name": "registry"}], container={"tty": True}))
    reported = [event for event in live.events("ignored") if event[1] == "FieldsIgnored"]
    assert reported == [
        (
            "Normal",
            "FieldsIgnored",
            "the local cluster ignores spec.containers[base].tty, spec.hostPID, spec.imagePullSecrets; a real cluster "
            "applies them, see docs/local-cluster.md",
        )
    ]


def test_a_pod_that_must_not_run_as_root_does_not_start(live: Live) -> None:
    name = live.create(pod("as-root", securityContext={"runAsNonRoot": True}))
    found = live.waits_for(name, "CreateContainerConfigError")
    where = f'(pod: "as-root_default({found["metadata"]["uid"]})", container: base)'
    message = f"container has runAsNonRoot and image will run as root {where}"
    assert found["status"]["containerStatuses"][0]["state"]["waiting"]["message"] == message
    assert ("Warning", "Failed", f"Error: {message}") in live.events(name)
    live.api.delete_namespaced_pod(name, "default", grace_period_seconds=0)
    body = pod("not-root", "id -u", securityContext={"runAsNonRoot": True, "runAsUser": 1234})
    assert live.run(body)["status"]["phase"] == "Succeeded"
    assert live.log("not-root") == "1234\n"


def test_a_read_only_root_file_system(live: Live) -> None:
    script = (
        "for f in /tmp/x /x /etc/x; do touch $f 2>/dev/null && echo wrote $f; done; "
        "touch /data/x /dev/shm/x && echo ok; cat /etc/hostname"
    )
    mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    container = {"securityContext": {"readOnlyRootFilesystem": True}, "workingDir": "/new/folder", **mounts}
    body = pod("read-only", script, container=container, volumes=[{"name": "data", "emptyDir": {}}])
    assert live.run(body)["status"]["phase"] == "Succeeded"
    assert live.log("read-only") == "ok\nread-only\n"


def test_host_names_and_aliases(live: Live) -> None:
    aliases = [{"ip": "10.1.2.3", "hostnames": ["db.internal", "db"]}]
    script = "hostname; cat /etc/hostname; echo $HOSTNAME; grep -c myhost /etc/hosts; grep db.internal /etc/hosts"
    live.run(pod("aliases", script, hostname="myhost", hostAliases=aliases))
    assert live.log("aliases").splitlines() == ["myhost"] * 3 + ["1", "10.1.2.3\tdb.internal\tdb"]


def test_the_full_host_name(live: Live) -> None:
    spec = {"hostname": "one", "subdomain": "workers", "setHostnameAsFQDN": True}
    live.run(pod("full-name", "hostname; grep workers /etc/hosts", **spec))
    full = "one.workers.default.svc.cluster.local"
    assert live.log("full-name").splitlines() == [full, f"127.0.0.1\t{full}\tone"]


def test_a_dns_configuration_of_its_own(live: Live) -> None:
    config = {"nameservers": ["1.2.3.4"], "searches": ["x.y"], "options": [{"name": "ndots", "value": "2"}]}
    live.run(pod("dns", "cat /etc/resolv.conf", dnsPolicy="None", dnsConfig=config))
    assert live.log("dns") == "search x.y\nnameserver 1.2.3.4\noptions ndots:2\n"


def test_the_group_of_a_volume(live: Live) -> None:
    context = {"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000, "supplementalGroups": [4000]}
    container = {"volumeMounts": [{"name": "e", "mountPath": "/e"}, {"name": "m", "mountPath": "/m"}]}
    volumes = [{"name": "e", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]
    script = "id -u; id -G; touch /e/f /m/f; stat -c '%A %g' /e; stat -c '%g' /e/f /m/f"
    live.run(pod("groups", script, securityContext=context, container=container, volumes=volumes))
    assert live.log("groups").splitlines() == ["1000", "3000 2000 4000", "drwxrwsrwx 2000", "2000", "2000"]


def test_capabilities_and_privileges(live: Live) -> None:
    script = "grep -E 'CapBnd|NoNewPrivs' /proc/self/status | tr -d '\\t'"
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    live.run(pod("few-rights", script, container={"securityContext": security}))
    assert sorted(live.log("few-rights").split()) == ["CapBnd:0000000000000400", "NoNewPrivs:1"]


def test_a_pod_that_writes_more_than_its_limit_is_evicted(live: Live) -> None:
    limits = {"resources": {"limits": {"ephemeral-storage": "10Mi"}}}
    script = "mkdir /output && dd if=/dev/zero of=/output/big bs=1M count=40 && exec sleep 600"
    found = live.run(pod("writes", script, container=limits))
    message = "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. "
    status = found["status"]
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", message)
    assert terminated(found)["exitCode"] == 137
    assert ("Warning", "Evicted", message) in live.events("writes")


def test_a_container_without_a_limit_can_fill_folders_next_to_those_of_the_machine(live: Live) -> None:
    script = "mkdir /output && dd if=/dev/zero of=/output/big bs=1M count=40 2>/dev/null && du -m /output/big | cut -f1"
    live.run(pod("output", script))
    assert live.log("output") == "40\n"


def test_a_container_sees_its_own_limits(live: Live) -> None:
    script = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; "
        "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/cpu.max"
    )
    found = live.run(pod("own-limits", script, container={"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}}))
    assert found["status"]["phase"] == "Succeeded"
    assert live.log("own-limits").split() == ["67108864", "50000"]


def test_the_variables_of_the_api(live: Live) -> None:
    live.run(pod("api-variables", 'echo "$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT $KUBERNETES_PORT"'))
    address = live.handle.server.removeprefix("https://")
    assert live.log("api-variables") == f"{address} tcp://{address}\n"


def test_a_pod_that_names_its_node(live: Live) -> None:
    node = live.api.list_node().items[0].metadata.name
    assert live.run(pod("on-node", nodeName=node))["status"]["phase"] == "Succeeded"
    assert [reason for _, reason, _ in live.events("on-node")] == ["Pulled", "Created", "Started"]


def test_a_pod_cannot_mount_the_folder_of_the_cluster(live: Live) -> None:
    state = live.handle.state
    volumes = [{"name": "above", "hostPath": {"path": str(state.parent)}}]
    container = {"volumeMounts": [{"name": "above", "mountPath": "/above"}]}
    live.run(pod("above", f"ls -a /above/{state.name} | grep -c token; true", volumes=volumes, container=container))
    assert live.log("above") == "0\n"
    volumes = [{"name": "inside", "hostPath": {"path": str(state / "token")}}]
    container = {"volumeMounts": [{"name": "inside", "mountPath": "/token"}]}
    name = live.create(pod("inside", volumes=volumes, container=container))
    event = live.until_event(name, "FailedMount")
    assert event.endswith("is in the folder of the local cluster, which pods must not see")
    live.api.delete_namespaced_pod(name, "default", grace_period_seconds=0)


@pytest.mark.parametrize("name", ["../..", "..", "a/b", "", "Upper"])
def test_the_name_of_a_claim_cannot_lead_elsewhere(processes: Live, name: str) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]
    with pytest.raises(Exception, match=r"spec\.volumes\[0\]\.persistentVolumeClaim\.claimName"):
        processes.create(pod("fields-elsewhere", volumes=volumes))


def test_fields_in_a_user_namespace(unprivileged: Live) -> None:
    aliases = [{"ip": "10.1.2.3", "hostnames": ["db.internal"]}]
    security = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}
    script = "touch /x || hostname; grep db.internal /etc/hosts; grep NoNewPrivs /proc/self/status"
    body = pod("user-ns", script, hostname="myhost", hostAliases=aliases, container={"securityContext": security})
    unprivileged.run(body)
    _, *lines = unprivileged.log("user-ns").splitlines()
    assert [line.split() for line in lines] == [["myhost"], ["10.1.2.3", "db.internal"], ["NoNewPrivs:", "1"]]


def test_fields_without_namespaces(plain: Live) -> None:
    before = Path("/etc/hosts").read_text()
    aliases = [{"ip": "10.1.2.3", "hostnames": ["db.internal"]}]
    plain.run(pod("no-ns", "cat /etc/hosts; grep NoNewPrivs /proc/self/status", hostAliases=aliases, container=_FEW))
    assert plain.log("no-ns") == f"{before}NoNewPrivs:\t1\n"
    assert plain.until_event("no-ns", "FieldsIgnored").startswith("the local cluster ignores spec.hostAliases; ")


_FEW = {"securityContext": {"allowPrivilegeEscalation": False}}
