"""Sidecars, init containers, the `pod:` overlay and the XCom sidecar reach the pod that the operator creates."""

from __future__ import annotations

from typing import Any

import pytest
from building import CARD, a_job, a_pipeline, built, container_of, pod_of, rendered, task_of

from dag_factory.build.pages.task_page import task_page
from dag_factory.build.worker.callbacks.xcom_sidecar import XcomSidecarCallback
from dag_factory.config import model

PROXY = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "ports": [{"containerPort": 5432}]}
FETCH = {
    "name": "fetch",
    "image": "fetch:1",
    "resources": {"limits": {"cpu": 0.5, "memory": "1Gi"}},
    "startupProbe": {"tcpSocket": {"port": "http"}, "exec": {"command": ["true"]}},
}


def spec_of(**patch: Any) -> Any:
    return pod_of(a_job(pod={"spec": patch}, timeout=60, termination_grace=5))["spec"]


def test_sidecars_and_init_containers() -> None:
    found = pod_of(a_job(init_containers=(PROXY, FETCH)))["spec"]["initContainers"]
    assert found == [PROXY, {**FETCH, "resources": {"limits": {"cpu": "0.5", "memory": "1Gi"}}}]


def test_ports_and_host_aliases() -> None:
    ports = ({"containerPort": 8080, "name": "http", "protocol": "TCP"},)
    pod = pod_of(a_job(ports=ports, host_aliases=({"ip": "10.0.0.7", "hostnames": ["w"]},)))["spec"]
    assert pod["containers"][0]["ports"] == list(ports)
    assert pod["hostAliases"] == [{"ip": "10.0.0.7", "hostnames": ["w"]}]


def full(**fields: Any) -> model.Job:
    """A job that uses many fields of a pod."""
    what: dict[str, Any] = {
        "flavor": CARD,
        "command": ("a",),
        "args": ("b", "{{ run_date }}"),
        "env": (
            model.EnvVar(name="A", value="{{ run_date }}"),
            model.EnvVar(name="B", secret=model.KeyRef(name="s", key="k")),
        ),
        "env_from": (model.EnvFrom(kind="secret", name="s"),),
        "volumes": (model.Volume(name="pvc-d", mount_path="/d", kind="pvc", source="d"),),
        "working_dir": "/srv",
        "labels": {"a": "b", "day": "{{ run_date }}"},
        "annotations": {"c": "d"},
        "node_selector": {"e": "f"},
        "tolerations": ({"key": "t"},),
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "security_context": {"runAsUser": 1},
        "pod_security_context": {"fsGroup": 1},
        "image_pull_secrets": ("hub",),
        "service_account": "sa",
        "priority_class": "pc",
        "runtime_class": "rc",
        "image_pull_policy": "Always",
        "termination_grace": 5,
        "timeout": 60,
        "host_aliases": ({"ip": "10.0.0.7", "hostnames": ["w"]},),
        "init_containers": (PROXY, FETCH),
        "ports": ({"containerPort": 1},),
        "output": True,
    }
    return a_job(**{**what, **fields})


def without_suffix(pod: Any) -> Any:
    return {**pod, "metadata": {**pod["metadata"], "name": pod["metadata"]["name"].rpartition("-")[0]}}


def hooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection the operator's dry run cannot look up an XCom sidecar."""
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    def nothing(*_: Any, **__: Any) -> None: ...

    for word in ("image", "resources", "security_context"):
        monkeypatch.setattr(KubernetesHook, f"get_xcom_sidecar_container_{word}", nothing, raising=False)
    monkeypatch.setattr(KubernetesHook, "__init__", nothing)


def test_an_empty_overlay_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments become a pod, and the pod becomes arguments again, without loss."""
    hooked(monkeypatch)
    nothing = {"spec": {"containers": [{"name": "base"}]}}
    assert without_suffix(pod_of(full(pod=nothing))) == without_suffix(pod_of(full()))


def test_an_overlay_changes_only_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked(monkeypatch)
    before, after = pod_of(full())["spec"], pod_of(full(pod={"spec": {"hostNetwork": True, "priority": 7}}))["spec"]
    assert {key: value for key, value in after.items() if before.get(key) != value} == {
        "hostNetwork": True,
        "priority": 7,
    }


def test_the_overlay_overrides_the_factorys_fields() -> None:
    found = container_of(
        a_job(
            env=(model.EnvVar(name="A", value="1"), model.EnvVar(name="B", value="2")),
            pod={
                "spec": {
                    "containers": [
                        {
                            "name": "base",
                            "image": "other:1",
                            "env": [{"name": "A", "value": "9"}],
                            "workingDir": "/w",
                            "stdin": True,
                            "terminationMessagePolicy": "File",
                            "resources": {"limits": {"memory": "3Gi"}},
                        }
                    ]
                }
            },
        )
    )
    assert found["image"] == "other:1"
    assert found["env"] == [{"name": "A", "value": "9"}, {"name": "B", "value": "2"}]
    assert (found["workingDir"], found["stdin"], found["terminationMessagePolicy"]) == ("/w", True, "File")
    assert found["resources"]["limits"] == {"cpu": "1", "memory": "3Gi"}


def test_null_removes_a_field() -> None:
    assert spec_of()["activeDeadlineSeconds"] == 60
    found = spec_of(activeDeadlineSeconds=None, terminationGracePeriodSeconds=None)
    assert not {"activeDeadlineSeconds", "terminationGracePeriodSeconds"} & set(found)


def test_containers_merge_by_name_and_the_jobs_own_stays_first() -> None:
    found = spec_of(containers=[{"name": "extra", "image": "e"}, {"name": "base", "tty": True}])["containers"]
    assert [one["name"] for one in found] == ["base", "extra"]
    assert found[0]["tty"] is True


def test_init_containers_merge_by_name() -> None:
    patch = {"spec": {"initContainers": [{"name": "fetch", "image": "fetch:2"}, {"name": "more", "image": "m"}]}}
    found = pod_of(a_job(init_containers=(PROXY, FETCH), pod=patch))["spec"]["initContainers"]
    assert [(one["name"], one["image"]) for one in found] == [("proxy", "proxy:1"), ("fetch", "fetch:2"), ("more", "m")]


def test_volumes_and_mounts() -> None:
    patch = {
        "volumes": [{"name": "extra", "emptyDir": {}}],
        "containers": [{"name": "base", "volumeMounts": [{"name": "extra", "mountPath": "/dev/shm"}]}],
    }
    found = pod_of(a_job(flavor=CARD, pod={"spec": patch}))["spec"]
    assert [volume["name"] for volume in found["volumes"]] == ["dev-shm", "extra"]
    assert found["containers"][0]["volumeMounts"] == [{"name": "extra", "mountPath": "/dev/shm"}]


def test_labels_and_annotations_of_an_overlay() -> None:
    patch = {"metadata": {"labels": {"a": "not safe!", "gone": None}, "annotations": {"n": "any text"}}}
    metadata = pod_of(a_job(labels={"gone": "1"}, pod=patch))["metadata"]
    assert metadata["labels"]["a"].startswith("not-safe-")
    assert "gone" not in metadata["labels"]
    assert metadata["labels"]["dagwright/job"] == "main"
    assert metadata["annotations"]["n"] == "any text"


def test_templates_in_an_overlay_are_rendered() -> None:
    task = rendered(full(output=False, pod={"spec": {"hostNetwork": True}}))
    assert task.arguments == ["b", "2026-01-31"]
    assert task.env_vars[0].value == "2026-01-31"
    assert task.labels["day"] == "2026-01-31"


def test_a_job_without_an_overlay_has_no_full_pod_spec() -> None:
    assert task_of(a_job()).full_pod_spec is None


def test_an_environments_xcom_sidecar(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked(monkeypatch)
    sidecar = model.XcomSidecar(
        image="xcom:1",
        security_context={"runAsNonRoot": True},
        resources={"requests": {"cpu": "10m"}, "limits": {"memory": "32Mi"}},
    )
    cluster = model.Cluster(namespace="n", xcom_sidecar=sidecar)
    task = task_of(a_job(output=True), cluster=cluster)
    pod = task.build_pod_request_obj(dry_run=True)
    for callback in task.callbacks:  # like the operator before it creates the pod
        callback.on_pod_manifest_created(pod_request=pod, client=None, mode="sync", operator=task, context={})
    base, sidecar = pod.spec.containers
    assert base.image == "registry.example.com/churn:1"
    assert (sidecar.image, sidecar.security_context.run_as_non_root) == ("xcom:1", True)
    assert (sidecar.resources.requests, sidecar.resources.limits) == ({"cpu": "10m"}, {"memory": "32Mi"})
    for other in (task_of(a_job(), cluster=cluster), task_of(a_job(output=True))):
        assert not any(isinstance(callback, XcomSidecarCallback) for callback in other.callbacks)


def test_a_serialized_dag_is_the_same_each_time() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    def once() -> Any:
        patch = {"spec": {"hostNetwork": True, "containers": [{"name": "base", "tty": True}]}}
        cluster = model.Cluster(namespace="n", xcom_sidecar=model.XcomSidecar(image="x"))
        data = DagSerialization.to_dict(built(a_pipeline(full(pod=patch), cluster=cluster)))
        data["dag"].pop("fileloc", None)
        return data

    assert once() == once()


def test_params_in_variables_are_rendered_when_the_job_runs() -> None:
    def value(name: str) -> str:
        text = f"{{{{ params.{name} if params.{name} is string else params.{name} | tojson }}}}"
        env = rendered(a_job(env=(model.EnvVar(name="P", value=text),))).env_vars
        return str(env["P"] if isinstance(env, dict) else env[0].value)

    assert value("folds") == "5"


def test_the_page_of_a_task_lists_the_other_containers() -> None:
    page = task_page(a_job(init_containers=(PROXY,), pod={"spec": {"hostNetwork": True}}))
    assert "`proxy` (sidecar, `proxy:1`)" in page
    assert "`pod:`" in page
    assert "Other containers" not in task_page(a_job())
