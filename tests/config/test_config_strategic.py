"""Strategic merge patches of pods."""

from __future__ import annotations

from typing import Any

import pytest

from dag_factory.config.pod.strategic_merge import apply_patch

POD: dict[str, Any] = {
    "metadata": {"labels": {"a": "1", "b": "2"}},
    "spec": {
        "containers": [
            {
                "name": "base",
                "image": "i",
                "args": ["a", "b"],
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "dev-shm", "mountPath": "/dev/shm"}],
                "ports": [{"containerPort": 80, "name": "http"}],
            }
        ],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "dev-shm", "emptyDir": {"medium": "Memory"}},
        ],
        "tolerations": [{"key": "a"}],
        "hostAliases": [{"ip": "1.1.1.1", "hostnames": ["a"]}],
    },
}


def spec(**patch: Any) -> dict[str, Any]:
    return apply_patch(POD, {"spec": patch})["spec"]  # type: ignore[no-any-return]


def base(**patch: Any) -> dict[str, Any]:
    return spec(containers=[{"name": "base", **patch}])["containers"][0]  # type: ignore[no-any-return]


def test_empty_patch_changes_nothing() -> None:
    assert apply_patch(POD, {}) == POD
    assert apply_patch(POD, {"metadata": {}, "spec": {"containers": []}}) == POD


def test_maps_merge_and_null_deletes() -> None:
    assert apply_patch(POD, {"metadata": {"labels": {"b": None, "c": "3"}}})["metadata"] == {
        "labels": {"a": "1", "c": "3"}
    }
    assert "tolerations" not in spec(tolerations=None)


def test_containers_merge_by_name_in_any_order() -> None:
    found = spec(containers=[{"name": "other", "image": "o"}, {"name": "base", "image": "j"}])["containers"]
    assert [(one["name"], one["image"]) for one in found] == [("base", "j"), ("other", "o")]
    assert found[0]["args"] == ["a", "b"]


def test_lists_without_a_key_are_replaced() -> None:
    assert base(args=["c"])["args"] == ["c"]
    assert spec(tolerations=[{"key": "b"}])["tolerations"] == [{"key": "b"}]


def test_variables_merge_by_name_and_keep_one_source() -> None:
    found = base(env=[{"name": "B", "value": "2"}, {"name": "C", "value": "3"}])["env"]
    assert found == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]
    reference = {"configMapKeyRef": {"name": "c", "key": "k"}}
    assert base(env=[{"name": "B", "valueFrom": reference}])["env"][1] == {"name": "B", "valueFrom": reference}


def test_volumes_merge_by_name_and_keep_one_source() -> None:
    assert spec(volumes=[{"name": "data", "emptyDir": {}}])["volumes"][0] == {"name": "data", "emptyDir": {}}
    grown = spec(volumes=[{"name": "dev-shm", "emptyDir": {"sizeLimit": "1Gi"}}])["volumes"][1]
    assert grown == {"name": "dev-shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}


def test_merge_keys_of_mounts_ports_and_aliases() -> None:
    assert base(volumeMounts=[{"mountPath": "/data", "readOnly": True}])["volumeMounts"][0] == {
        "name": "data",
        "mountPath": "/data",
        "readOnly": True,
    }
    assert base(ports=[{"containerPort": 80, "name": "web"}])["ports"] == [{"containerPort": 80, "name": "web"}]
    assert spec(hostAliases=[{"ip": "1.1.1.1", "hostnames": ["b"]}])["hostAliases"] == [
        {"ip": "1.1.1.1", "hostnames": ["b"]}
    ]


@pytest.mark.parametrize(
    "patch", [{"mountPath": "/dev/shm", "$patch": "delete"}, {"mountPath": "/dev/shm", "name": "x", "$patch": "delete"}]
)
def test_patch_can_delete_an_item(patch: dict[str, Any]) -> None:
    assert [mount["mountPath"] for mount in base(volumeMounts=[patch])["volumeMounts"]] == ["/data"]


def test_patch_can_replace_an_item() -> None:
    assert base(**{"$patch": "replace", "image": "new"}) == {"name": "base", "image": "new"}


def test_patch_is_idempotent_and_does_not_change_its_arguments() -> None:
    before = repr(POD)
    patch = {
        "spec": {"containers": [{"name": "base", "env": [{"name": "C", "value": "1"}], "args": None}], "volumes": None}
    }
    once = apply_patch(POD, patch)
    assert apply_patch(once, patch) == once
    assert repr(POD) == before
