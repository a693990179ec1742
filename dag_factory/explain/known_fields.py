"""The fields of a pod that no file sets: those of this package, of Airflow's operator, and of the cluster.

A test compares the fields of the operator with the pod that the installed provider makes.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from dag_factory.config.model import Fragment
from dag_factory.config.pod.final_pod import BASE, XCOM
from dag_factory.config.pod.labels import PREFIX
from dag_factory.config.positions import KeyPath
from dag_factory.explain.model import Kind

Known = tuple[Kind, str]

OPERATOR_LABELS = {
    "dag_id": "the DAG",
    "task_id": "the task",
    "run_id": "the run",
    "map_index": "the index of a mapped task",
    "try_number": "the number of the try",
    "kubernetes_pod_operator": "that Airflow's pod operator made the pod",
    "airflow_version": "the version of Airflow",
    "airflow_kpo_in_cluster": "whether Airflow runs in the cluster of the pod",
    "already_checked": "that Airflow has handled the end of the pod",
}
"""The labels by which Airflow finds the pod of a task instance, each with what it says."""

_FACTORY = {
    "metadata.name": "made of the names of the pipeline and the job; the operator adds a random suffix for each try",
    f"spec.containers[{BASE}].terminationMessagePolicy": (
        "so that the verdict on a failed try contains the last lines of the log"
    ),
    f"spec.containers[{BASE}].command*": "a `script` runs with `/bin/sh -ec`; set `shell` to change it",
    "spec.initContainers*.restartPolicy": "a sidecar is an init container that runs until the job ends",
    "spec.initContainers*.securityContext*": "the pod security level requires it",
}
_OPERATOR = {
    "apiVersion": "the operator creates a pod",
    "kind": "the operator creates a pod",
    f"spec.containers[{BASE}].name": "the operator finds the container of the job by this name",
    "spec.restartPolicy": "a pod runs one try; Airflow starts a new pod for the next try",
}
_ADDED = {
    "metadata.namespace": "the Airflow connection names the namespace; without one, it is `default`",
    "spec.hostNetwork": "the operator sends its default, false",
    f"spec.containers[{XCOM}].image": "the image of the provider, or that of the Airflow connection",
}
"""The fields that are not in the pod before the operator runs."""
_ADMISSION = {
    "metadata.uid": "the API server numbers each object",
    "metadata.resourceVersion": "the API server numbers each version of an object",
    "metadata.creationTimestamp": "the API server sets it",
    "metadata.ownerReferences*": "controllers of the cluster set it",
    "spec.serviceAccount*": "without `service_account`, the cluster uses the account `default` of the namespace",
    "spec.automountServiceAccountToken": "without a value, the service account decides",
    "spec.nodeName": "the scheduler of the cluster chooses the node",
    "spec.tolerations*": "the cluster adds tolerations for nodes that are not ready or not reachable",
    "spec.priority*": "the priority class of the pod, or the default class, sets it",
    "spec.preemptionPolicy": "the priority class of the pod sets it",
    "spec.dnsPolicy": "the default of the cluster is `ClusterFirst`",
    "spec.schedulerName": "the default of the cluster is `default-scheduler`",
    "spec.enableServiceLinks": "the default of the cluster is true",
    "spec.terminationGracePeriodSeconds": "the default of the cluster is 30 seconds",
    "spec.volumes*": "the cluster may add volumes, such as the token of the service account",
    "spec.containers*.volumeMounts*": "the cluster may add mounts, such as the token of the service account",
    "spec.*ontainers*.imagePullPolicy": (
        "without a policy, the cluster uses `Always` for the tag `latest`, else `IfNotPresent`"
    ),
    "spec.*ontainers*.resources*": "a LimitRange of the namespace may set it",
    "spec.*ontainers*.terminationMessagePath": "the default of the cluster is `/dev/termination-log`",
    "spec.*": "the cluster may set it: with a default, or in an admission webhook",
    "metadata.*": "the cluster may set it, for example in an admission webhook",
    "status*": "the cluster reports it",
}


def known_origin(text: str, path: KeyPath, pod: Fragment) -> Known | None:
    """Who sets a field of a pod that no key of the language sets, and why; None if the tables do not have it.

    ``text`` is the path in the notation of ``field_paths``.
    """
    if len(path) == 3 and path[:2] == ("metadata", "labels"):
        label = str(path[2])
        if label.startswith(PREFIX):
            return "factory", f"so that `kubectl get pods -l {label}=...` finds the pods"
        if label in OPERATOR_LABELS:
            return "operator", f"Airflow finds the pods of its tasks by such labels; it says {OPERATOR_LABELS[label]}"
    if is_xcom(path, pod):
        return "operator", "the job has `output`: this container and its volume pass the output to Airflow"
    if _match(text, _FACTORY):
        return "factory", _match(text, _FACTORY)
    if _match(text, _OPERATOR):
        return "operator", _match(text, _OPERATOR)
    return None


def added_by_operator(text: str) -> Known | None:
    """The origin of a field that the operator adds to the pod when the task runs; None if it does not add it."""
    label = text.removeprefix("metadata.labels").strip(".[]") if text.startswith("metadata.labels") else ""
    if label in OPERATOR_LABELS:
        return "operator", f"set when the task runs; it says {OPERATOR_LABELS[label]}"
    return ("operator", _match(text, _ADDED)) if _match(text, _ADDED) else None


def admission_origin(text: str) -> Known:
    """What the cluster does with a field that the pod does not have when it is sent."""
    return "cluster admission", _match(text, _ADMISSION)


def is_xcom(path: KeyPath, pod: Fragment) -> bool:
    """Whether a field belongs to the container, the volume or the mount that the operator adds for an output."""
    match path:
        case ("spec", "containers", int(index), "volumeMounts", int(mount), *_):
            container = pod["spec"]["containers"][index]
            names = container["name"], container["volumeMounts"][mount].get("name")
            return bool(names[0] == XCOM or names[1] == "xcom")
        case ("spec", "containers", int(index), *_):
            return bool(pod["spec"]["containers"][index]["name"] == XCOM)
        case ("spec", "volumes", int(index), *_):
            return bool(pod["spec"]["volumes"][index].get("name") == "xcom")
    return False


def _match(text: str, table: dict[str, str]) -> str:
    plain = text.replace("[", ".").replace("]", "")
    for pattern, reason in table.items():
        if fnmatchcase(plain, pattern.replace("[", ".").replace("]", "")):
            return reason
    return ""
