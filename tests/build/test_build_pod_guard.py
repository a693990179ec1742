"""The rendered pod is checked in the worker, right before it is created."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization
from building import SMALL, a_job, a_pipeline, built, rendered

from dag_factory.config import model
from dag_factory.config.guard_rules import Guards, Limit, Rule

PROD = Rule("the environment `prod`", "configs/platform/environments/prod.yaml", 7, ("registry.example.com/churn:*",))
CPU = Limit("the team `growth`", "configs/platform/teams.yaml", 9, "1")
GUARDS = Guards(images=(PROD,), forbid_latest=PROD, limits={"cpu": CPU})
IMAGE = "registry.example.com/churn:v{{ params.tag }}"


def started(job: model.Job, params: dict[str, Any], guards: Guards = GUARDS, change: Any = None) -> Any:
    """The pod of a task as a worker builds it, right before it is created."""
    task = rendered(job, guards=guards, given=params)
    pod = task.build_pod_request_obj(dry_run=True)
    if change:
        change(pod)
    for callback in task.callbacks:
        callback.on_pod_manifest_created(pod_request=pod, client=None, mode="sync", context={}, operator=task)
    return pod


def test_a_rendered_image_that_is_allowed_runs() -> None:
    pod = started(a_job(image=IMAGE), {"tag": "1"})
    assert pod.spec.containers[0].image == "registry.example.com/churn:v1"
    started(a_job(image="evil:1"), {}, Guards())


@pytest.mark.parametrize(
    ("image", "tag", "code"),
    [
        ("registry.example.com/{{ params.tag }}", "evil:1", "image-not-allowed"),
        ("{{ params.tag }}", "registry.example.com.evil.example/churn:1", "image-not-allowed"),
        ("registry.example.com/churn:{{ params.tag }}", "latest", "image-latest"),
        ("registry.example.com/churn:{{ params.tag }}latest", "", "image-latest"),
    ],
)
def test_a_rendered_image_that_is_not_allowed_fails_the_task(image: str, tag: str, code: str) -> None:
    with pytest.raises(AirflowFailException) as failure:
        started(a_job(image=image), {"tag": tag})
    assert f"{code}: the" in str(failure.value)
    assert f"the image `{image.replace('{{ params.tag }}', tag)}`" in str(failure.value)
    assert "the environment `prod`" in str(failure.value)
    assert "see configs/platform/environments/prod.yaml:7" in str(failure.value)


def test_what_a_cluster_policy_adds_is_checked() -> None:
    from kubernetes.client import models as k8s

    def mesh(pod: Any) -> None:
        pod.spec.init_containers = [k8s.V1Container(name="mesh", image="evil:1", restart_policy="Always")]

    with pytest.raises(AirflowFailException) as failure:
        started(a_job(image=IMAGE), {"tag": "1"}, change=mesh)
    assert "image-not-allowed: the environment `prod` does not allow the image `evil:1`" in str(failure.value)
    assert "missing-limit: the container `mesh` has no limit for `cpu`" in str(failure.value)


def test_a_limit_from_a_template_is_checked() -> None:
    flavor = msgspec.structs.replace(SMALL, limits={"cpu": "{{ params.cpu }}", "memory": "1Gi"}, requests={})
    started(a_job(image=IMAGE, flavor=flavor), {"tag": "1", "cpu": "1"})
    with pytest.raises(AirflowFailException, match="over-ceiling"):
        started(a_job(image=IMAGE, flavor=flavor), {"tag": "1", "cpu": "2"})
    with pytest.raises(AirflowFailException, match="over-ceiling"):
        started(a_job(image=IMAGE, flavor=flavor), {"tag": "1", "cpu": "many"})
    with pytest.raises(AirflowFailException, match="over-ceiling"):
        started(a_job(image=IMAGE, flavor=flavor), {"tag": "1", "cpu": "-8"})


def test_an_edit_of_a_rule_creates_no_new_version_of_a_mapped_dag() -> None:
    """Airflow stores the arguments of a mapped task as text."""
    job = a_job(for_each=model.ForEach(variable="ITEM", items=("a", "b")), output=True)

    def stored(guards: Guards, sidecar: str) -> str:
        cluster = model.Cluster(xcom_sidecar=model.XcomSidecar(image=sidecar))
        return msgspec.json.encode(
            DagSerialization.to_dict(built(a_pipeline(job, guards=guards, cluster=cluster)))
        ).decode()

    edited = msgspec.structs.replace(GUARDS, limits={}, forbid_latest=None)
    assert stored(GUARDS, "xcom:1") == stored(edited, "xcom:2") == stored(Guards(), "xcom:1")


def test_a_worker_has_the_guards_from_the_cached_model() -> None:
    pipeline = a_pipeline(guards=GUARDS)
    data = msgspec.msgpack.encode(pipeline)
    assert msgspec.msgpack.decode(data, type=model.Pipeline).guards == GUARDS
    before = msgspec.msgpack.decode(data)
    del before["guards"]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=model.Pipeline).guards == Guards()
