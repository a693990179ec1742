"""Units without a cluster: selectors, patches, quantities, statuses, control groups."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dag_factory.cluster.api import protobuf, tables
from dag_factory.cluster.controllers.placement import pod_requests
from dag_factory.cluster.kubelet import logs
from dag_factory.cluster.kubelet.pod import environment, slot
from dag_factory.cluster.kubelet.pod.phase import compute_phase
from dag_factory.cluster.objects import clock, quantity
from dag_factory.cluster.objects.store import Conflict, Expired, Store
from dag_factory.cluster.process import isolation
from dag_factory.cluster.process.launcher import rootfs
from dag_factory.cluster.process.linux import cgroups
from dag_factory.cluster.resources import patches, selectors
from dag_factory.cluster.resources.errors import ApiError
from dag_factory.cluster.runtime.engine import Exit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("1.5", "1.5"),
        ("64Mi", str(64 * 2**20)),
        ("1e3", "1000"),
        ("2E", "2e18"),
        ("1k", "1000"),
        (2, "2"),
    ],
)
def test_quantities(text: object, value: str) -> None:
    assert quantity.parse(text) == Decimal(value)


@pytest.mark.parametrize("text", ["lots", "1 Gi", "", "1MiB", None, True, "--1"])
def test_invalid_quantities(text: object) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("a=1", True),
        ("a==1,b=2", True),
        ("a = 1 , b", True),
        ("a!=2", True),
        ("c!=2", True),
        ("!c", True),
        ("!a", False),
        ("a in (1, 3)", True),
        ("c notin (x)", True),
        ("a notin (1)", False),
        ("c in ()", False),
        ("a>0,a<2", True),
        ("a>1", False),
        ("example.com/x=y", True),
    ],
)
def test_label_selectors(text: str, matches: bool) -> None:
    obj = {"metadata": {"labels": {"a": "1", "b": "2", "example.com/x": "y"}}}
    assert selectors.labels(text)(obj) is matches


@pytest.mark.parametrize("text", ["a=b=c", "a in 1", "a in (1", ",", "a,", "=", "a>x", "(a)", "a b", "-a=1"])
def test_invalid_label_selectors(text: str) -> None:
    with pytest.raises(ApiError) as failure:
        selectors.labels(text)
    assert failure.value.code == 400


def test_an_unsupported_field_selector() -> None:
    with pytest.raises(ApiError, match="field label not supported"):
        selectors.fields("spec.image=x", "pods")


def test_a_strategic_merge_merges_lists_by_key() -> None:
    target = {
        "spec": {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}
    }
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [
                {"name": "a", "image": "2", "env": [{"name": "Y", "value": "2"}]},
                {"name": "b", "$patch": "delete"},
            ],
        }
    }
    assert patches.strategic_merge_patch(target, patch) == {
        "spec": {
            "containers": [
                {"name": "a", "image": "2", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}
            ]
        }
    }
    assert target["spec"]["containers"][0]["image"] == "1"  # patches copy the target


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/a/1", "value": "x"}, {"a": ["p", "x", "q"], "b": 1}),
        ({"op": "add", "path": "/a/-", "value": "x"}, {"a": ["p", "q", "x"], "b": 1}),
        ({"op": "remove", "path": "/b"}, {"a": ["p", "q"]}),
        ({"op": "replace", "path": "/b", "value": 2}, {"a": ["p", "q"], "b": 2}),
        ({"op": "move", "from": "/b", "path": "/c~1d"}, {"a": ["p", "q"], "c/d": 1}),
        ({"op": "copy", "from": "/a/0", "path": "/b"}, {"a": ["p", "q"], "b": "p"}),
    ],
)
def test_json_patches(operation: dict[str, Any], result: Any) -> None:
    assert patches.json_patch({"a": ["p", "q"], "b": 1}, [operation]) == result


def test_json_patches_that_do_not_apply() -> None:
    for operation in (
        {"op": "remove", "path": "/nope"},
        {"op": "test", "path": "/b", "value": 3},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "jump", "path": "/b"},
    ):
        with pytest.raises(ApiError) as failure:
            patches.json_patch({"b": 1}, [operation])
        assert failure.value.code == 422


def test_a_merge_patch_removes_with_null() -> None:
    assert patches.merge_patch({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}) == {"a": {"c": 2, "d": 3}}


def _statuses(*states: dict[str, Any], init: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    def listed(some: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        return [{"name": str(i), "state": s, "ready": "running" in s} for i, s in enumerate(some)]

    return {
        "metadata": {},
        "spec": {"initContainers": [{"name": str(i)} for i in range(len(init))]},
        "status": {"phase": "Pending", "initContainerStatuses": listed(init), "containerStatuses": listed(states)},
    }


@pytest.mark.parametrize(
    ("pod", "column"),
    [
        (_statuses({"waiting": {"reason": "ContainerCreating"}}), "ContainerCreating"),
        (_statuses({"terminated": {"reason": "OOMKilled", "exitCode": 137}}), "OOMKilled"),
        (_statuses({"running": {}}, {"terminated": {"reason": "Completed", "exitCode": 0}}), "NotReady"),
        (_statuses({"waiting": {"reason": "PodInitializing"}}, init=({"running": {}},)), "Init:0/1"),
        (_statuses({}, init=({"terminated": {"reason": "Error", "exitCode": 1}},)), "Init:Error"),
        ({**_statuses(), "metadata": {"deletionTimestamp": "x"}}, "Terminating"),
    ],
)
def test_the_status_column(pod: dict[str, Any], column: str) -> None:
    assert tables.pod_status(pod) == column


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "5s"),
        (119, "119s"),
        (185, "3m5s"),
        (720, "12m"),
        (4 * 3600 + 300, "4h5m"),
        (50 * 3600, "2d2h"),
        (9 * 86400, "9d"),
    ],
)
def test_ages_as_kubectl_rounds_them(seconds: int, text: str) -> None:
    assert tables.age(clock.at(time.time() - seconds)) == text


def test_the_requests_of_a_pod() -> None:
    def container(cpu: str, **more: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "containers": [container("1"), container("500m")],
        "initContainers": [container("1", restartPolicy="Always"), container("4")],
    }
    assert pod_requests(spec) == {"cpu": Decimal(5)}  # the large init container runs together with the sidecar


def test_references_in_variables() -> None:
    assert environment.expand("$(A)/$(B) $$(A) $A $", {"A": "1"}) == "1/$(B) $(A) $A $"


def _slot(name: str, state: slot.State, *, init: bool = False, last: slot.State | None = None) -> slot.Slot:
    return slot.Slot({"name": name}, init, state, last or {})


def _ended(code: int) -> slot.State:
    return slot.terminated(Exit(code), clock.now(), "process://x")


@pytest.mark.parametrize(
    ("slots", "policy", "phase"),
    [
        ([_slot("a", slot.waiting("ContainerCreating"))], "Never", "Pending"),
        ([_slot("a", {"running": {}})], "Never", "Running"),
        ([_slot("a", {"running": {}}), _slot("b", _ended(1))], "Never", "Running"),
        ([_slot("a", _ended(0)), _slot("b", _ended(0))], "Never", "Succeeded"),
        ([_slot("a", _ended(0)), _slot("b", _ended(2))], "Never", "Failed"),
        ([_slot("a", _ended(2))], "OnFailure", "Running"),
        ([_slot("a", _ended(0))], "Always", "Running"),
        ([_slot("a", slot.waiting("CrashLoopBackOff"), last=_ended(1))], "Always", "Running"),
        ([_slot("i", _ended(1), init=True), _slot("a", slot.waiting("PodInitializing"))], "Never", "Failed"),
        ([_slot("i", _ended(1), init=True), _slot("a", slot.waiting("PodInitializing"))], "OnFailure", "Pending"),
    ],
)
def test_phases_as_the_kubelet_computes_them(slots: list[slot.Slot], policy: str, phase: str) -> None:
    assert compute_phase(slots, policy) == phase


def test_the_store_checks_versions_and_drops_old_changes() -> None:
    store = Store()
    made = store.create("secrets", {"metadata": {"name": "s", "namespace": "n"}})
    with pytest.raises(Conflict):
        store.create("secrets", {"metadata": {"name": "s", "namespace": "n"}})
    store.update("secrets", {**made, "data": {}})
    with pytest.raises(Conflict):
        store.update("secrets", made)
    first = store.version - 1
    assert [change.type for change in store.changes_since("secrets", first)] == ["MODIFIED"]
    for _ in range(5001):
        store.update("secrets", store.get("secrets", "n", "s") | {"metadata": {"name": "s", "namespace": "n"}})
    with pytest.raises(Expired):
        store.changes_since("secrets", first)


def test_links_never_lead_out_of_a_new_root(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "run").symlink_to("/run")
    (tmp_path / "up").symlink_to("../../../../etc")
    (tmp_path / "loop").symlink_to("loop")
    assert rootfs.resolve(str(tmp_path), "/var/run/secrets/x") == f"{tmp_path}/run/secrets/x"
    assert rootfs.resolve(str(tmp_path), "/up/passwd") == f"{tmp_path}/etc/passwd"
    assert rootfs.resolve(str(tmp_path), "/a/../../b") == f"{tmp_path}/b"
    with pytest.raises(OSError, match="too many symbolic links"):
        rootfs.resolve(str(tmp_path), "/loop/x")


def test_the_mounts_that_containers_see(tmp_path: Path) -> None:
    info = tmp_path / "mountinfo"
    lines = [
        "20 1 254:0 / / rw - ext4 /dev/vda rw",
        "21 20 0:5 / /proc rw - proc proc rw",
        "22 20 0:6 / /home rw - ext4 /dev/vdb rw",
        "23 20 0:7 / /srv/with\\040space rw - xfs /dev/vdc rw",
        "24 20 0:8 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw",
        "25 20 0:9 / /srv/with\\040space/inner rw - ext4 /dev/vdd rw",
        "26 20 0:9 / /srv/state rw - tmpfs tmpfs rw",
    ]
    info.write_text("\n".join(lines))
    assert isolation.submounts(Path("/srv/state"), info) == ["/srv/with space", "/srv/with space/inner"]


def _tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_control_groups_version_2(tmp_path: Path) -> None:
    """A folder replaces the kernel's file system. Checks what is read and what is written."""
    _tree(
        tmp_path,
        {
            "cg/cgroup.controllers": "cpu memory pids",
            "cg/app/cgroup.controllers": "cpu memory",
            "cg/app/cgroup.subtree_control": "",
            "cg/app/dagf-1/cgroup.subtree_control": "",
            "membership": "0::/app\n",
        },
    )
    groups = cgroups.find("dagf-1", tmp_path / "cg", tmp_path / "membership")
    assert (groups.version, groups.unavailable) == (2, "")
    assert (tmp_path / "cg/app/cgroup.subtree_control").read_text() == "+memory +cpu"
    new = tmp_path / "cg/app/dagf-1/pod"
    new.mkdir()
    for name in ("memory.max", "memory.swap.max", "memory.oom.group", "cpu.max"):
        (new / name).write_text("")
    group = groups.make("pod", 64 * 2**20, 0.5)
    assert (new / "memory.max").read_text() == str(64 * 2**20)
    assert (new / "memory.oom.group").read_text() == "1"
    assert (new / "cpu.max").read_text() == "50000 100000"
    (new / "memory.events").write_text("low 0\nmax 4\noom 1\noom_kill 1\n")
    (new / "memory.current").write_text("5000")
    (new / "memory.stat").write_text("anon 1\ninactive_file 1000\n")
    assert group.out_of_memory_kills() == 1
    assert group.usage() == 4000


def test_control_groups_that_are_not_delegated(tmp_path: Path) -> None:
    _tree(tmp_path, {"cg/cgroup.controllers": "pids", "cg/cgroup.subtree_control": "", "membership": "0::/\n"})
    groups = cgroups.find("dagf-1", tmp_path / "cg", tmp_path / "membership")
    assert not groups.parents()
    assert "not available" in groups.unavailable
    assert not (tmp_path / "cg/dagf-1").exists()


def test_a_long_log_is_rotated_and_its_follower_receives_everything(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 4000)
    lines = [b"line %04d" % number for number in range(1000)]

    async def follow() -> tuple[bytes, bytes]:
        log = logs.ContainerLog(tmp_path / "0.log")
        got: list[bytes] = []

        async def read() -> None:
            async for chunk in logs.read(log.path, log, logs.LogOptions(follow=True)):
                got.append(chunk)

        log.write(lines[0] + b"\n")
        reading = asyncio.ensure_future(read())
        for start in range(1, 1000, 37):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            log.write(b"".join(line + b"\n" for line in lines[start : start + 37]))
        log.close()
        await asyncio.wait_for(reading, 5)
        newest = [chunk async for chunk in logs.read(log.path, None, logs.LogOptions())]
        return b"".join(got), b"".join(newest)

    followed, newest = asyncio.run(follow())
    assert followed.splitlines() == lines
    assert newest.splitlines() == lines[-len(newest.splitlines()) :]
    files = list(tmp_path.iterdir())
    assert len(files) == logs.FILES
    assert sum(file.stat().st_size for file in files) < 5 * 6000


def test_kubernetes_protobuf_is_decoded_and_invalid_data_is_rejected() -> None:
    meta = b"\x0a\x01n" + b"\x5a\x06\x0a\x01k\x12\x01v"  # name n, labels {k: v}
    secret = b"\x0a" + bytes([len(meta)]) + meta + b"\x12\x07\x0a\x01d\x12\x02\xff\x00"
    about = b"\x0a\x02v1\x12\x06Secret"
    body = b"k8s\0\x0a" + bytes([len(about)]) + about + b"\x12" + bytes([len(secret)]) + secret
    read = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "n", "labels": {"k": "v"}},
        "data": {"d": "/wA="},
    }
    assert protobuf.decode(body) == read
    for broken in (b"{}", body[:-3], b"k8s\0\xff\xff", b"k8s\0" + bytes(range(60)), body.replace(b"Secret", b"Widget")):
        with pytest.raises(protobuf.DecodeError):
            protobuf.decode(broken)
