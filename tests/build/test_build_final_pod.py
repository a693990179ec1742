"""The guards check the same pod that the operator creates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from building import CARD, SMALL, a_job, a_pipeline, built
from sent_pods import PROJECTS, asked_for, set_values

from dag_factory.config import model, open_project
from dag_factory.config.pod.final_pod import XCOM, final_pod

SIDECAR = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}


pytestmark = pytest.mark.usefixtures("no_connection")


def compare(pipeline: model.Pipeline) -> int:
    dag = built(pipeline)
    for job in pipeline.jobs:
        expected = asked_for(dag.task_dict[job.name])
        found: dict[str, Any] = {"metadata": {}, **set_values(final_pod(job, pipeline.cluster))}
        if not pipeline.cluster.namespace:  # the connection's
            expected["metadata"].pop("namespace")
        if not pipeline.cluster.xcom_sidecar:  # the provider's image
            for container in expected["spec"]["containers"]:
                container.pop("image") if container["name"] == XCOM else None
        for pod in (expected, found):  # the builder makes label values valid
            pod["metadata"] = {"labels": {}, **pod["metadata"]}
            pod["metadata"]["labels"] = sorted(pod["metadata"]["labels"])
        assert json.dumps(found, indent=1, sort_keys=True) == json.dumps(expected, indent=1, sort_keys=True), job.name
    return len(pipeline.jobs)


@pytest.mark.parametrize(("home", "environment"), PROJECTS, ids=lambda value: getattr(value, "name", value))
def test_the_pods_of_all_example_and_real_pipelines(home: Path, environment: str) -> None:
    assert sum(map(compare, open_project(home, environment).compile_all().pipelines)) > 3


VOLUMES = (
    model.Volume(name="a", mount_path="/a", kind="pvc", source="data", sub_path="x", read_only=True),
    model.Volume(name="a", mount_path="/b", kind="pvc", source="data"),
    model.Volume(name="s", mount_path="/s", kind="secret", source="s"),
    model.Volume(name="c", mount_path="/c", kind="config_map", source="c"),
    model.Volume(name="h", mount_path="/h", kind="host_path", source="/data"),
    model.Volume(name="e", mount_path="/e", kind="empty_dir", size="1Gi", medium="Memory"),
    model.Volume(name="f", mount_path="/f", kind="empty_dir"),
)
ENV = (
    model.EnvVar(name="A", value="{{ run_date }}"),
    model.EnvVar(name="B", secret=model.KeyRef(name="s", key="k")),
    model.EnvVar(name="C", config_map=model.KeyRef(name="c", key="k")),
    model.EnvVar(name="D", field="metadata.name"),
)
OVERLAY = {
    "metadata": {"labels": {"team": "x", "gone": None}, "annotations": {"note": "y"}},
    "spec": {
        "hostNetwork": True,
        "nodeName": "n1",
        "overhead": {"cpu": "250m"},
        "resources": {"limits": {"cpu": "8"}},
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "more", "image": {"reference": "acme/model:1"}}],
        "containers": [
            {"name": "base", "tty": True, "resources": {"limits": {"cpu": "3", "memory": None}}},
            {"name": "second", "image": "second:1", "resources": {"limits": {"example.com/fpga": "1"}}},
        ],
        "initContainers": [{"name": "proxy", "image": "proxy:2"}, {"name": "late", "image": "late:1"}],
    },
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"flavor": CARD, "output": True},
        {"volumes": VOLUMES, "env": ENV, "env_from": (model.EnvFrom(kind="secret", name="s", prefix="P_"),)},
        {"flavor": CARD, "volumes": (model.Volume(name="m", mount_path="/dev/shm", kind="empty_dir"),)},
        {"for_each": model.ForEach(variable="ITEM", items=("a",)), "env": ENV},
        {"for_each": model.ForEach(variable="ITEM", items=("a",)), "output": True, "pod": OVERLAY},
        {"init_containers": (SIDECAR,), "labels": {"gone": "1"}, "output": True, "pod": OVERLAY, "flavor": CARD},
        {
            "pod": OVERLAY,
            "working_dir": "/srv",
            "timeout": 60,
            "termination_grace": 5,
            "ports": ({"containerPort": 1},),
        },
        {
            "command": ("a",),
            "args": ("b",),
            "working_dir": "/srv",
            "tolerations": ({"key": "t"},),
            "affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            "security_context": {"runAsUser": 1},
            "pod_security_context": {"fsGroup": 1},
            "image_pull_secrets": ("hub",),
            "service_account": "sa",
            "priority_class": "pc",
            "runtime_class": "rc",
            "image_pull_policy": "Always",
            "host_aliases": ({"ip": "10.0.0.7", "hostnames": ["w"]},),
            "node_selector": {"e": "f"},
            "annotations": {"c": "d"},
        },
    ],
)
def test_the_pod_of_one_job(fields: dict[str, Any]) -> None:
    sidecar = model.XcomSidecar(
        image="xcom:1", security_context={"runAsUser": 5}, resources={"limits": {"cpu": "100m", "memory": "32Mi"}}
    )
    for cluster in (model.Cluster(), model.Cluster(namespace="ml", xcom_sidecar=sidecar)):
        assert compare(a_pipeline(a_job(**fields), cluster=cluster)) == 1


def test_the_gpus_of_a_flavor_override_its_limits() -> None:
    """The built pod is the checked pod."""
    flavor = model.Flavor(name="x", limits={"nvidia.com/gpu": "1"}, requests=SMALL.requests, gpu_count=8)
    job = a_job(flavor=flavor)
    assert compare(a_pipeline(job)) == 1
    assert final_pod(job, model.Cluster())["spec"]["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "8"}
