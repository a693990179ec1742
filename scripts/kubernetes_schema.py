"""Generate ``schemas/kubernetes.schema.json``: the pod fragments of a job, from the installed Kubernetes client.

Types, keys and descriptions come from the models of the client, required keys from its validation. Enums are listed
here because the client has them only in its descriptions. The script fails if a description no longer contains a
listed value. Run it after an update of the client:

    python scripts/kubernetes_schema.py
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from kubernetes import client

TARGET = Path(__file__).resolve().parent.parent / "schemas" / "kubernetes.schema.json"

FRAGMENTS = (
    *("V1Toleration", "V1Affinity", "V1SecurityContext", "V1PodSecurityContext"),
    *("V1Container", "V1ContainerPort", "V1HostAlias", "V1ResourceRequirements"),
)
MERGE_KEYS = {  # the patchMergeKey of the Kubernetes API types; all other lists of a pod are replaced
    ("V1PodSpec", "containers"): "name",
    ("V1PodSpec", "init_containers"): "name",
    ("V1PodSpec", "volumes"): "name",
    ("V1PodSpec", "image_pull_secrets"): "name",
    ("V1PodSpec", "host_aliases"): "ip",
    ("V1PodSpec", "resource_claims"): "name",
    ("V1PodSpec", "scheduling_gates"): "name",
    ("V1PodSpec", "topology_spread_constraints"): "topologyKey",
    ("V1Container", "env"): "name",
    ("V1Container", "ports"): "containerPort",
    ("V1Container", "volume_devices"): "devicePath",
    ("V1Container", "volume_mounts"): "mountPath",
}
ONE_OF = ("V1Volume", "V1EnvVar", "V1EnvVarSource")  # a source replaces another source
NOT_IN_A_PATCH = {
    "restartPolicy": "remove it: a pod runs once; `retries` sets how often the job is tried",
    "ephemeralContainers": "remove it: Kubernetes adds these only to running pods",
}
NOT_IN_METADATA = {
    "name": "remove it: each pod gets a unique name from the names of the pipeline and the job",
    "namespace": "remove it: the environment sets the namespace in `cluster.namespace`",
}

SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
PROFILES = ("RuntimeDefault", "Localhost", "Unconfined")
ENUMS = {
    ("V1Toleration", "operator"): ("Exists", "Equal", "Lt", "Gt"),
    ("V1Toleration", "effect"): ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    ("V1NodeSelectorRequirement", "operator"): (*SELECTOR_OPERATORS, "Gt", "Lt"),
    ("V1LabelSelectorRequirement", "operator"): SELECTOR_OPERATORS,
    ("V1SeccompProfile", "type"): PROFILES,
    ("V1AppArmorProfile", "type"): PROFILES,
    ("V1PodSecurityContext", "fs_group_change_policy"): ("OnRootMismatch", "Always"),
    ("V1PodSecurityContext", "supplemental_groups_policy"): ("Merge", "Strict"),
    ("V1PodSecurityContext", "se_linux_change_policy"): ("MountOption", "Recursive"),
    ("V1Container", "image_pull_policy"): ("Always", "IfNotPresent", "Never"),
    ("V1Container", "termination_message_policy"): ("File", "FallbackToLogsOnError"),
    ("V1ContainerPort", "protocol"): ("TCP", "UDP", "SCTP"),
    ("V1PodSpec", "dns_policy"): ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    ("V1TopologySpreadConstraint", "when_unsatisfiable"): ("DoNotSchedule", "ScheduleAnyway"),
}
UNLISTED = {  # the descriptions of the client do not have these constants of Kubernetes
    ("V1HostPathVolumeSource", "type"): (
        *("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File"),
        *("Socket", "CharDevice", "BlockDevice"),
    ),
    ("V1PodOS", "name"): ("linux", "windows"),
    ("V1PodSpec", "preemption_policy"): ("PreemptLowerPriority", "Never"),
    ("V1HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    ("V1VolumeMount", "mount_propagation"): ("None", "HostToContainer", "Bidirectional"),
    ("V1VolumeMount", "recursive_read_only"): ("Disabled", "IfPossible", "Enabled"),
    ("V1TopologySpreadConstraint", "node_affinity_policy"): ("Honor", "Ignore"),
    ("V1TopologySpreadConstraint", "node_taints_policy"): ("Honor", "Ignore"),
    ("V1Container", "restart_policy"): ("Always",),
}
_PORT, _USER, _WEIGHT, _POSITIVE, _COUNT = (1, 65535), (0, 2147483647), (1, 100), (1, 2147483647), (0, 2147483647)
RANGES = {
    ("V1ContainerPort", "container_port"): _PORT,
    ("V1ContainerPort", "host_port"): (0, 65535),
    ("V1TCPSocketAction", "port"): _PORT,
    ("V1HTTPGetAction", "port"): _PORT,
    ("V1GRPCAction", "port"): _PORT,
    ("V1PreferredSchedulingTerm", "weight"): _WEIGHT,
    ("V1WeightedPodAffinityTerm", "weight"): _WEIGHT,
    ("V1TopologySpreadConstraint", "max_skew"): _POSITIVE,
    ("V1TopologySpreadConstraint", "min_domains"): _POSITIVE,
    ("V1PodSpec", "active_deadline_seconds"): _POSITIVE,
    ("V1Probe", "termination_grace_period_seconds"): _POSITIVE,
    **{
        ("V1Probe", name): _COUNT
        for name in (
            *("initial_delay_seconds", "period_seconds", "timeout_seconds"),
            *("success_threshold", "failure_threshold"),
        )
    },
    **{
        (model, name): _USER
        for model in ("V1SecurityContext", "V1PodSecurityContext")
        for name in ("run_as_user", "run_as_group")
    },
    ("V1PodSecurityContext", "fs_group"): _USER,
}
NEEDED = {("V1Container", "image")}  # required by the Kubernetes server, but not by its types
TEMPLATED = {  # the factory renders these in every container, as the operator does in the job's own container
    ("V1Container", "command"),
    ("V1Container", "args"),
    ("V1EnvVar", "value"),
    ("V1VolumeMount", "sub_path"),
}
LABELS = {("V1Container", "name"), ("V1Volume", "name")}
_TEMPLATED = "[^]*[{][{%][^]*".replace("[^]", "[\\s\\S]")  # a template is checked when it is rendered
_SUBDOMAIN = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_QUALIFIED = f"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
_KEY = (_QUALIFIED, "a label key such as team or example.com/team")
_LABEL = ("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "a name such as worker-1")
_NAME = (_SUBDOMAIN, "a name such as gpu-nodes")
_RELATIVE = (
    r"(?!/)(?!([\s\S]*/)?[.][.](/|$))[\s\S]+",
    "a relative path such as data/input, without `..`",
)
FORMATS = {
    ("V1ContainerPort", "name"): (
        "(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?",
        "a port name such as http: up to 15 lowercase letters, digits and single `-`",
    ),
    ("V1EnvVar", "name"): ("[ -<>-~]+", "a variable name such as MODE"),
    ("V1HostAlias", "ip"): (
        "((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])([.](?=[0-9])|$)){4}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*",
        "an IP address such as 10.0.0.7",
    ),
    ("V1NodeSelectorRequirement", "key"): _KEY,
    ("V1LabelSelectorRequirement", "key"): _KEY,
    ("V1Toleration", "key"): (f"({_QUALIFIED})?", _KEY[1]),
    ("V1PodAffinityTerm", "topology_key"): _KEY,
    ("V1TopologySpreadConstraint", "topology_key"): _KEY,
    ("V1PodSpec", "hostname"): _LABEL,
    ("V1PodSpec", "subdomain"): _LABEL,
    ("V1PodSpec", "scheduler_name"): _NAME,
    ("V1PodSpec", "node_name"): _NAME,
    ("V1PodSpec", "priority_class_name"): _NAME,
    ("V1PodSpec", "service_account_name"): _NAME,
    ("V1PodSpec", "runtime_class_name"): _NAME,
    ("V1VolumeMount", "mount_path"): ("[^:]+", "a path in the container such as /data, without `:`"),
    ("V1VolumeMount", "sub_path"): (f"({_RELATIVE[0]})?", _RELATIVE[1]),
    ("V1KeyToPath", "path"): _RELATIVE,
    ("V1ObjectFieldSelector", "field_path"): (
        r"metadata[.](name|namespace|uid|labels|annotations)(\['[^']+'\])?"
        r"|spec[.](nodeName|serviceAccountName|hostname|restartPolicy)|status[.](hostIPs?|podIPs?|nodeName|phase)",
        "a field of the pod such as metadata.name or status.podIP",
    ),
    ("V1EmptyDirVolumeSource", "medium"): ("(Memory|HugePages(-.+)?)?", "Memory, HugePages, or empty"),
    ("V1Sysctl", "name"): (
        "[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*",
        "a kernel setting such as net.core.somaxconn",
    ),
}
QUANTITIES = {
    ("V1ResourceRequirements", "limits"),
    ("V1ResourceRequirements", "requests"),
    ("V1VolumeResourceRequirements", "limits"),
    ("V1VolumeResourceRequirements", "requests"),
    ("V1EmptyDirVolumeSource", "size_limit"),
    ("V1ResourceFieldSelector", "divisor"),
    ("V1PodSpec", "overhead"),
}
DNS_LABEL = {
    "type": "string",
    "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$(?!\\n)",
    "x-code": "bad-name",
    "x-message": "a name such as proxy",
    "x-hint": "use at most 63 lowercase letters, digits and `-`, beginning and ending with a letter or digit",
}
QUANTITY = {
    "type": ["string", "number"],
    "minimum": 0,
    "pattern": "^[0-9]+([.][0-9]+)?([KMGTPE]i|[mkMGTPE])?$(?!\\n)",
    "x-code": "bad-quantity",
    "x-message": "a quantity such as 500m, 2 or 1Gi",
}
DESCRIPTIONS = {  # descriptions that the client does not have
    "V1NodeAffinity": "The nodes that the pod prefers or requires, by their labels.",
    "V1PodAffinity": "The pods that this pod should run near, on the same node or in the same zone.",
    "V1PodAntiAffinity": "The pods that this pod should not run near.",
    "V1Affinity": "The nodes that the pod prefers or requires, and the pods that it should or should not run near.",
    "V1AppArmorProfile": "The AppArmor profile that limits what the processes can do.",
    "V1Capabilities": "Linux capabilities to add to the container or to drop.",
    "V1ConfigMapVolumeSource": "The contents of a config map as files.",
    "V1EmptyDirVolumeSource": "An empty folder that exists as long as the pod.",
    "V1EnvVarSource": "The source of the value of the variable.",
    "V1ExecAction": "A command that runs in the container.",
    "V1HostPathVolumeSource": "A folder of the node.",
    "V1HTTPGetAction": "An HTTP request. Any status from 200 to 399 is a success.",
    "V1LabelSelector": "Selects objects by their labels.",
    "V1Lifecycle": "Actions after the container starts and before it stops.",
    "V1NFSVolumeSource": "A folder of an NFS server.",
    "V1NodeSelector": "Selects nodes. One of the terms must match.",
    "V1NodeSelectorTerm": "Selects nodes. All conditions must match.",
    "V1PersistentVolumeClaimVolumeSource": "A persistent volume claim in the pod's namespace.",
    "V1PodAffinityTerm": "Selects pods, and sets what counts as near.",
    "V1PodDNSConfig": "DNS servers and search domains of the pod, in addition to those of its policy.",
    "V1PodSecurityContext": "Security settings of the pod.",
    "V1Probe": "A check of the running container, its interval, and the number of failures that count.",
    "V1ProjectedVolumeSource": "Several sources in one folder.",
    "V1ResourceRequirements": "What the container can use at most (`limits`) and what is reserved for it (`requests`).",
    "V1SeccompProfile": "The seccomp profile that limits the system calls of the processes.",
    "V1SecretVolumeSource": "The contents of a secret as files.",
    "V1SecurityContext": "Security settings of the container.",
    "V1SELinuxOptions": "The SELinux label of the processes.",
    "V1WindowsSecurityContextOptions": "Settings for containers on Windows.",
}
SCALARS: dict[str, Any] = {
    "str": "string",
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    "datetime": "string",
    "object": ["integer", "string"],  # a port's number or its name
}


def _format(pattern: str, message: str) -> dict[str, str]:
    """The format of a text that is not a template."""
    return {"pattern": f"^(({pattern})|{_TEMPLATED})$(?!\\n)", "x-code": "bad-value", "x-message": message}


def kind_of(model: str) -> str:
    """The name of a model's definition: ``V1PodSecurityContext`` is ``podSecurityContext``."""
    name = model.removeprefix("V1")
    capitals = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+", name)
    head = capitals.group() if capitals else ""
    return head.lower() + name[len(head) :]


def prose(model: type, attribute: str) -> str:
    """The description of a key in the client, without the text that its generator adds."""
    text = (getattr(model, attribute).__doc__ or "").replace("# noqa: E501", "")
    lines = [line.strip() for line in text.splitlines()]
    body = [line for line in lines[1:] if line and not line.startswith(":")]
    return re.sub(r"\s+", " ", " ".join(body)).strip()


def default_description(model: str) -> str:
    """The description of a model for which the client has none: at least its name in Kubernetes."""
    return DESCRIPTIONS.get(model) or f"{model.removeprefix('V1')} of Kubernetes."


def short(text: str, limit: int = 240) -> str:
    """The first sentences of a text: at least one, and as many as fit."""
    sentences = re.split(r"(?<=[.])\s+(?=[A-Z])", text)
    result = sentences[0]
    for sentence in sentences[1:]:
        if len(result) + len(sentence) >= limit:
            break
        result = f"{result} {sentence}"
    return result


def is_required(model: type, attribute: str) -> bool:
    """Whether the client rejects a model without this key."""
    configuration = client.Configuration()
    configuration.client_side_validation = False
    instance = model(local_vars_configuration=configuration)
    configuration.client_side_validation = True
    try:
        setattr(instance, attribute, None)
    except ValueError:
        return True
    return False


def value_schema(kind: str) -> tuple[dict[str, Any], list[str]]:
    """The schema of a type of the client, and the models that it refers to."""
    if listed := re.fullmatch(r"list\[(.+)\]", kind):
        items, models = value_schema(listed.group(1))
        if models:
            items["type"] = "object"
        return {"type": "array", "items": items}, models
    if mapped := re.fullmatch(r"dict[(\[]str, (.+)[)\]]", kind):
        values, models = value_schema(mapped.group(1))
        return {"type": "object", "additionalProperties": values}, models
    if kind in SCALARS:
        return {"type": SCALARS[kind]}, []
    return {"$ref": f"#/$defs/{kind_of(kind)}"}, [kind]


def property_schema(model: type, attribute: str, required: bool) -> tuple[dict[str, Any], list[str]]:
    """The schema of a key. A key that is not required can also be null, which means the same in Kubernetes."""
    schema, models = value_schema(model.openapi_types[attribute])  # type: ignore[attr-defined]
    text = prose(model, attribute) or default_description(models[0])
    where = (model.__name__, attribute)
    values = ENUMS.get(where)
    if where in RANGES:
        schema["minimum"], schema["maximum"] = RANGES[where]
    if where in FORMATS:
        pattern, message = FORMATS[where]
        schema |= _format(pattern, message)
    if where == ("V1HostAlias", "hostnames"):
        schema["items"] |= _format(_SUBDOMAIN, "a host name such as db.example.com")
    if (model.__name__, attribute) in LABELS:
        schema = dict(DNS_LABEL)
    elif (model.__name__, attribute) in QUANTITIES:
        names = {"propertyNames": {**_format(_QUALIFIED, "a resource such as memory or nvidia.com/gpu")}}
        one = dict(QUANTITY)
        schema = {**schema, **names, "additionalProperties": QUANTITY} if schema["type"] == "object" else one
    if where in UNLISTED:
        named = f"one of {', '.join(value for value in UNLISTED[where] if value)}"
        schema = {"enum": [*UNLISTED[where], *([] if required else [None])], "x-message": named}
    elif values:
        unknown = [value for value in values if value not in text]
        if unknown:
            sys.exit(
                f"{model.__name__}.{attribute}: the description of the client does not contain {', '.join(unknown)}"
            )
        named = f"one of {', '.join(values)}"
        schema = {"enum": [*values] if required else [*values, None], "x-message": named}
    elif "$ref" in schema:
        if required:
            schema["type"] = "object"
    elif not required:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, "null"]
    if (model.__name__, attribute) in TEMPLATED:
        schema["x-templated"] = True
    return {"description": short(text), **schema}, models


def model_schema(model: type) -> tuple[dict[str, Any], list[str]]:
    """An object that allows only the keys of Kubernetes, and the models that it refers to."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    models: list[str] = []
    for attribute, key in sorted(model.attribute_map.items(), key=lambda pair: pair[1]):  # type: ignore[attr-defined]
        needed = is_required(model, attribute) or (model.__name__, attribute) in NEEDED
        properties[key], found = property_schema(model, attribute, needed)
        models += found
        if needed:
            required.append(key)
    schema: dict[str, Any] = {
        "description": f"{model.__name__.removeprefix('V1')} of Kubernetes, with the same keys in camelCase.",
        "type": ["object", "null"],
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    if model.__name__ in ONE_OF:
        schema["x-merge"] = "retain"
    return {**schema, "properties": properties}, models


def patch_schema(model: type, merge_key: str | None) -> tuple[dict[str, Any], list[str], list[tuple[str, str]]]:
    """The schema of a patch of a model, which requires only its merge key. Also the models that it refers to."""
    schema = model_schema(model)[0]
    patches: list[tuple[str, str]] = []
    attributes = {key: attribute for attribute, key in model.attribute_map.items()}  # type: ignore[attr-defined]
    kept = [key for key in schema["properties"] if model.__name__ != "V1PodSpec" or key not in NOT_IN_A_PATCH]
    properties: dict[str, Any] = {}
    needed: list[str] = []
    for key in kept:
        properties[key], found = property_schema(model, attributes[key], key == merge_key)
        inner = MERGE_KEYS.get((model.__name__, attributes[key]))
        if inner:
            properties[key]["x-merge"] = f"key:{inner}"
            properties[key]["items"]["$ref"] += "Patch"
            patches.append((found[0], inner))
        else:
            needed += found
    schema["properties"] = properties
    schema.pop("required", None)
    if merge_key:
        schema["type"] = "object"
        schema["required"] = [merge_key]
        properties["$patch"] = {
            "description": "`delete` removes the item, `replace` replaces it with this one. Without it, the two are "
            "merged.",
            "enum": ["delete", "replace"],
            "x-message": "delete or replace",
        }
    else:
        schema["type"] = "object"
        schema["x-instead"] = NOT_IN_A_PATCH
    return schema, needed, patches


def pod_patch(spec_keys: list[str]) -> dict[str, Any]:
    """The schema of a patch of a pod."""
    return {
        "description": "A part of a Kubernetes pod, with the same keys in camelCase.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "x-message": "a map such as {spec: {hostNetwork: true}}",
        "x-instead": {
            **{key: f"move it under `spec`: `pod: {{spec: {{{key}: ...}}}}`" for key in spec_keys},
            **dict.fromkeys(("labels", "annotations"), "move it to the job or under `metadata`"),
            **dict.fromkeys(("apiVersion", "kind"), "remove it: this is always a pod"),
            **NOT_IN_A_PATCH,
            **NOT_IN_METADATA,
        },
        "properties": {
            "metadata": {
                "description": "The labels and annotations of the pod.",
                "type": "object",
                "additionalProperties": False,
                "x-null": "value",
                "x-instead": NOT_IN_METADATA,
                "properties": {
                    "annotations": {"$ref": "job.schema.json#/$defs/annotations"},
                    "labels": {"$ref": "job.schema.json#/$defs/labels"},
                },
            },
            "spec": {
                "description": "What runs in the pod, where, and with which permissions. Containers, volumes and "
                "variables are matched by name. `base` is the container of the job.",
                "x-null": "value",
                "$ref": "#/$defs/podSpecPatch",
            },
        },
    }


def document() -> dict[str, Any]:
    """The schema: the fragments and everything that they refer to, in a fixed order."""
    definitions: dict[str, Any] = {}
    waiting = list(FRAGMENTS)
    patches: list[tuple[str, str | None]] = [("V1PodSpec", None)]
    while patches:
        name, merge_key = patches.pop(0)
        if f"{kind_of(name)}Patch" not in definitions:
            definitions[f"{kind_of(name)}Patch"], found, more = patch_schema(getattr(client, name), merge_key)
            waiting += found
            patches += more
    definitions["podPatch"] = pod_patch(list(definitions["podSpecPatch"]["properties"]))
    while waiting:
        name = waiting.pop(0)
        if kind_of(name) not in definitions:
            definitions[kind_of(name)], found = model_schema(getattr(client, name))
            waiting += found
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "kubernetes.schema.json",
        "title": "Pod fragments",
        "description": "Parts of a pod, with the keys of Kubernetes.",
        "$comment": "Generated by scripts/kubernetes_schema.py from the Kubernetes client. Do not edit.",
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The text of the file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
