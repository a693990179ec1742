"""Generate the types of the objects that the local cluster serves, from the installed Kubernetes client.

``types.json`` has the fields of each type with the name of their Go type. The local cluster decodes requests with it.
``descriptions.json`` has the descriptions for ``kubectl explain``. The client does not contain the width of integers
and the types with their own JSON form, so they are listed here. Run it after an update of the client:

    python scripts/cluster_types.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from kubernetes import client

TARGET = Path(__file__).resolve().parent.parent / "dag_factory" / "cluster" / "resources" / "schema"

ROOTS = (
    *("V1Pod", "V1Job", "V1ConfigMap", "V1Secret", "V1Namespace", "V1Node", "V1PersistentVolumeClaim"),
    *("V1ServiceAccount", "V1PriorityClass", "CoreV1Event", "V1Eviction", "V1DeleteOptions"),
    *("V1SelfSubjectReview", "V1SelfSubjectAccessReview", "V1SelfSubjectRulesReview"),
)
INT64 = {
    *("active_deadline_seconds", "deletion_grace_period_seconds", "expiration_seconds", "fs_group", "generation"),
    *("grace_period_seconds", "observed_generation", "run_as_group", "run_as_user", "supplemental_groups"),
    *("termination_grace_period_seconds", "toleration_seconds", "size_bytes"),
}
QUANTITIES = {
    *("V1ResourceRequirements.limits", "V1ResourceRequirements.requests", "V1EmptyDirVolumeSource.size_limit"),
    *("V1VolumeResourceRequirements.limits", "V1VolumeResourceRequirements.requests"),
    *("V1ResourceFieldSelector.divisor", "V1PersistentVolumeClaimStatus.capacity"),
    *("V1PersistentVolumeClaimStatus.allocated_resources", "V1NodeStatus.allocatable", "V1NodeStatus.capacity"),
    *("V1ContainerStatus.allocated_resources", "V1PodStatus.allocated_resources", "V1PodSpec.overhead"),
}
INT_OR_STRING = {
    *("V1HTTPGetAction.port", "V1TCPSocketAction.port", "V1PodDisruptionBudgetSpec.min_available"),
    *("V1PodDisruptionBudgetSpec.max_unavailable",),
}
BYTES = {"V1Secret.data", "V1ConfigMap.binary_data"}
SCALARS = {"str": "string", "int": "int32", "bool": "bool", "datetime": "Time", "object": "any"}


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    for file, text in texts().items():
        (TARGET / file).write_text(text, "utf-8")


def texts() -> dict[str, str]:
    """The text of each file."""
    types: dict[str, dict[str, str]] = {}
    descriptions: dict[str, dict[str, str]] = {}
    pending = list(ROOTS)
    while pending:
        model = getattr(client, pending.pop())
        name = go_name(model.__name__)
        if name in types:
            continue
        types[name], descriptions[name] = {}, {}
        for attribute, key in model.attribute_map.items():
            kind, used = go_type(model.__name__, attribute, model.openapi_types[attribute])
            types[name][key] = kind
            descriptions[name][key] = description(model, attribute)
            pending += used
    contents = {"types.json": types, "descriptions.json": descriptions}
    return {
        file: json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for file, content in contents.items()
    }


def go_name(model: str) -> str:
    """``V1PodSpec`` is ``PodSpec`` in Go."""
    return re.sub(r"^(Core|Batch|Storage|Discovery|Events)?V\d+((alpha|beta)\d+)?", "", model)


def go_type(model: str, attribute: str, kind: str) -> tuple[str, list[str]]:
    """The Go type of an attribute, without its package, and the models that it uses."""
    where = f"{model}.{attribute}"
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        inner, used = go_type(model, attribute, match[1])
        return f"[]{inner}", used
    if match := re.fullmatch(r"dict[\[(]str, (.+)[\])]", kind):
        inner, used = go_type(model, attribute, match[1])
        return f"map[string]{inner}", used
    if where in QUANTITIES:
        return "Quantity", []
    if where in INT_OR_STRING:
        return "IntOrString", []
    if where in BYTES:
        return "[]uint8", []
    if kind == "int" and attribute in INT64:
        return "int64", []
    if kind in SCALARS:
        return SCALARS[kind], []
    return go_name(kind), [kind]


def description(model: Any, attribute: str) -> str:
    text = (getattr(model, attribute).__doc__ or "").partition("\n")[2]
    return " ".join(text.partition(":return:")[0].replace("# noqa: E501", "").split())


if __name__ == "__main__":
    main()
