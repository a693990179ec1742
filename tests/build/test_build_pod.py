"""The keys of a job reach the pod."""

from __future__ import annotations

import pytest
from building import CARD, a_job, a_pipeline, container_of, pod_of, task_of

from dag_factory.config import model


def test_a_job_is_a_pod_operator_of_airflows() -> None:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    from dag_factory.build.worker.operator import PodOperator

    assert type(task_of(a_job())) is PodOperator
    assert issubclass(PodOperator, KubernetesPodOperator)
    assert PodOperator.template_fields == KubernetesPodOperator.template_fields


def test_command_arguments_and_working_dir() -> None:
    container = container_of(a_job(command=("python", "-m", "x"), args=("--day", "1"), working_dir="/srv/app"))
    assert container["command"] == ["python", "-m", "x"]
    assert container["args"] == ["--day", "1"]
    assert container["workingDir"] == "/srv/app"
    assert container["image"] == "registry.example.com/churn:1"


def test_resources_come_from_the_flavor() -> None:
    want = {"cpu": "1", "memory": "2Gi"}
    assert container_of(a_job())["resources"] == {"requests": want, "limits": want}


def test_gpus_are_requests_and_limits() -> None:
    resources = container_of(a_job(flavor=CARD))["resources"]
    assert resources["requests"] == resources["limits"]
    assert resources["limits"]["nvidia.com/gpu"] == "2"
    assert resources["limits"]["ephemeral-storage"] == "10Gi"


def test_a_flavors_shared_memory_is_a_volume_in_memory() -> None:
    pod = pod_of(a_job(flavor=CARD))["spec"]
    mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == "/dev/shm")
    volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "8Gi"}


def test_a_job_that_mounts_dev_shm_itself_keeps_it() -> None:
    own = model.Volume(name="own", mount_path="/dev/shm", kind="empty_dir", medium="Memory", size="1Gi")
    assert [v["name"] for v in pod_of(a_job(flavor=CARD, volumes=(own,)))["spec"]["volumes"]] == ["own"]


def test_plain_variables() -> None:
    variables = (model.EnvVar(name="B", value="1.0"), model.EnvVar(name="A", value=""))
    assert container_of(a_job(env=variables))["env"] == [{"name": "B", "value": "1.0"}, {"name": "A", "value": ""}]


def test_variables_from_other_objects_keep_their_order() -> None:
    variables = (
        model.EnvVar(name="TOKEN", secret=model.KeyRef(name="warehouse", key="token")),
        model.EnvVar(name="URL", value="https://x/$(TOKEN)"),  # Kubernetes expands earlier variables
        model.EnvVar(name="MODE", config_map=model.KeyRef(name="modes", key="mode")),
        model.EnvVar(name="POD", field="metadata.name"),
    )
    assert container_of(a_job(env=variables))["env"] == [
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "warehouse", "key": "token"}}},
        {"name": "URL", "value": "https://x/$(TOKEN)"},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "modes", "key": "mode"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]


def test_whole_secrets_and_config_maps() -> None:
    sources = (model.EnvFrom(kind="secret", name="s"), model.EnvFrom(kind="config_map", name="c", prefix="P_"))
    assert container_of(a_job(env_from=sources))["envFrom"] == [
        {"secretRef": {"name": "s"}},
        {"prefix": "P_", "configMapRef": {"name": "c"}},
    ]


def test_a_source_is_only_one_volume() -> None:
    volumes = (
        model.Volume(name="pvc-data", mount_path="/in", kind="pvc", source="data", sub_path="a", read_only=True),
        model.Volume(name="pvc-data", mount_path="/out", kind="pvc", source="data"),
    )
    pod = pod_of(a_job(volumes=volumes))["spec"]
    assert pod["volumes"] == [{"name": "pvc-data", "persistentVolumeClaim": {"claimName": "data"}}]
    assert pod["containers"][0]["volumeMounts"] == [
        {"name": "pvc-data", "mountPath": "/in", "subPath": "a", "readOnly": True},
        {"name": "pvc-data", "mountPath": "/out"},
    ]


@pytest.mark.parametrize(
    ("volume", "want"),
    [
        (model.Volume(name="v", mount_path="/v", kind="secret", source="s"), {"secret": {"secretName": "s"}}),
        (model.Volume(name="v", mount_path="/v", kind="config_map", source="c"), {"configMap": {"name": "c"}}),
        (model.Volume(name="v", mount_path="/v", kind="host_path", source="/d"), {"hostPath": {"path": "/d"}}),
        (model.Volume(name="v", mount_path="/v", kind="empty_dir", size="1Gi"), {"emptyDir": {"sizeLimit": "1Gi"}}),
    ],
)
def test_kinds_of_volumes(volume: model.Volume, want: dict[str, object]) -> None:
    assert pod_of(a_job(volumes=(volume,)))["spec"]["volumes"] == [{"name": "v", **want}]


def test_fragments_keep_kubernetes_keys() -> None:
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
            }
        }
    }
    tolerations = ({"key": "t", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0},)
    own = {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = pod_of(
        a_job(
            affinity=affinity,
            tolerations=tolerations,
            security_context=own,
            pod_security_context={"fsGroup": 1000, "sysctls": [{"name": "a", "value": "b"}]},
        )
    )["spec"]
    assert pod["affinity"] == affinity
    assert pod["tolerations"] == list(tolerations)
    assert pod["containers"][0]["securityContext"] == own
    assert pod["securityContext"] == {"fsGroup": 1000, "sysctls": [{"name": "a", "value": "b"}]}


def test_node_selection_and_service_account() -> None:
    job = a_job(
        node_selector={"pool": "a100"},
        service_account="trainer",
        priority_class="high",
        runtime_class="nvidia",
        image_pull_policy="Always",
        image_pull_secrets=("hub", "ghcr"),
        termination_grace=5,
    )
    pod = pod_of(job)
    spec = pod["spec"]
    assert pod["metadata"]["namespace"] == "ml-prod"
    assert spec["nodeSelector"] == {"pool": "a100"}
    assert spec["serviceAccountName"] == "trainer"
    assert spec["priorityClassName"] == "high"
    assert spec["runtimeClassName"] == "nvidia"
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["imagePullSecrets"] == [{"name": "hub"}, {"name": "ghcr"}]
    assert spec["terminationGracePeriodSeconds"] == 5


def test_the_pods_name_is_readable_and_short_enough() -> None:
    name = pod_of(a_job("Train_model"))["metadata"]["name"]
    assert name.startswith("growth-churn-train-model-")
    long = pod_of(a_job("j" * 100), id="t." + "p" * 200)["metadata"]["name"]
    assert len(long) <= 63
    assert "jjj" in long
    assert "ppp" in long


def test_a_field_of_kubernetes_may_be_called_kind() -> None:
    disk = {"name": "d", "azureDisk": {"diskName": "x", "diskURI": "y", "kind": "Managed"}}
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
    claim = {"accessModes": ["ReadWriteOnce"], "dataSource": source, "resources": {"requests": {"storage": "1Gi"}}}
    copy = {"name": "c", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}
    pod = pod_of(a_job(pod={"spec": {"volumes": [disk, copy]}}))
    assert [one for one in pod["spec"]["volumes"] if one["name"] in ("d", "c")] == [disk, copy]


def test_the_cluster_of_the_environment() -> None:
    job = a_job()
    task = task_of(job)
    assert task.kubernetes_conn_id == "kubernetes_default"
    cluster = model.Cluster(kubernetes_conn_id="prod", in_cluster=False, startup_check_interval=0.5)
    task = built_task(job, cluster)
    assert task.kubernetes_conn_id == "prod"
    assert task.in_cluster is False
    assert task.startup_check_interval_seconds == 0.5


def built_task(job: model.Job, cluster: model.Cluster) -> object:
    from dag_factory.build.dag.build_dag import build_dag

    return build_dag(a_pipeline(job, cluster=cluster)).task_dict[job.name]
