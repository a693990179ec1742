"""Writes ``schemas/kubernetes.schema.json``: the pod fragments of a job, as the Kubernetes client knows them.

Types, keys and descriptions come from the installed client's models, required keys from its own
validation. Only enums are listed here, since the client holds them in prose; each value must stand in
that prose, so a value that Kubernetes drops stops the script. Run it after an update of the client:

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

FRAGMENTS = ("V1Toleration", "V1Affinity", "V1SecurityContext", "V1PodSecurityContext")

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
}
PLAIN = {  # where the client's key has no prose of its own
    "V1NodeAffinity": "Which nodes the pod is drawn to, or needs, by their labels.",
    "V1PodAffinity": "Which pods this pod wants to run beside, on the same node or in the same zone.",
    "V1PodAntiAffinity": "Which pods this pod wants to run apart from.",
    "V1AppArmorProfile": "The AppArmor profile that bounds what the processes may do.",
    "V1Capabilities": "Linux capabilities that the container gets or gives up.",
    "V1LabelSelector": "Which objects are meant, by their labels.",
    "V1NodeSelector": "Which nodes are meant; the terms are alternatives.",
    "V1NodeSelectorTerm": "Which nodes are meant; all conditions hold at once.",
    "V1PodAffinityTerm": "Which pods are meant, and how near counts.",
    "V1SeccompProfile": "The seccomp profile that bounds which system calls the processes may make.",
    "V1SELinuxOptions": "The SELinux label of the processes.",
    "V1WindowsSecurityContextOptions": "Settings for containers on Windows.",
}
SCALARS = {"str": "string", "bool": "boolean", "int": "integer", "float": "number"}


def kind_of(model: str) -> str:
    """The name of a model's definition: ``V1PodSecurityContext`` is ``podSecurityContext``."""
    name = model.removeprefix("V1")
    capitals = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+", name)
    head = capitals.group() if capitals else ""
    return head.lower() + name[len(head) :]


def prose(model: type, attribute: str) -> str:
    """What the client says of one key, without the frame that its generator puts around."""
    text = (getattr(model, attribute).__doc__ or "").replace("# noqa: E501", "")
    lines = [line.strip() for line in text.splitlines()]
    body = [line for line in lines[1:] if line and not line.startswith(":")]
    return re.sub(r"\s+", " ", " ".join(body)).strip()


def short(text: str, limit: int = 240) -> str:
    """The first sentences of a text, at least one and no more than fit."""
    sentences = re.split(r"(?<=[.])\s+(?=[A-Z])", text)
    result = sentences[0]
    for sentence in sentences[1:]:
        if len(result) + len(sentence) >= limit:
            break
        result = f"{result} {sentence}"
    return result


def is_required(model: type, attribute: str) -> bool:
    """Whether the client itself refuses a model without this key."""
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
    """The schema of one of the client's types, and the models it refers to."""
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
    """The schema of one key. A key that may be left out may also be null, which Kubernetes reads the same."""
    schema, models = value_schema(model.openapi_types[attribute])  # type: ignore[attr-defined]
    text = prose(model, attribute) or PLAIN[models[0]]
    values = ENUMS.get((model.__name__, attribute))
    if values:
        unknown = [value for value in values if value not in text]
        if unknown:
            sys.exit(f"{model.__name__}.{attribute}: the client does not speak of {', '.join(unknown)}")
        named = f"one of {', '.join(values)}"
        schema = {"enum": [*values] if required else [*values, None], "x-message": named}
    elif "$ref" in schema:
        if required:
            schema["type"] = "object"
    elif not required:
        schema["type"] = [schema["type"], "null"]
    return {"description": short(text), **schema}, models


def model_schema(model: type) -> tuple[dict[str, Any], list[str]]:
    """A closed object with Kubernetes' own keys, and the models it refers to."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    models: list[str] = []
    for attribute, key in sorted(model.attribute_map.items(), key=lambda pair: pair[1]):  # type: ignore[attr-defined]
        needed = is_required(model, attribute)
        properties[key], found = property_schema(model, attribute, needed)
        models += found
        if needed:
            required.append(key)
    schema: dict[str, Any] = {
        "description": f"Kubernetes' {model.__name__.removeprefix('V1')}, with its own keys in camelCase.",
        "type": ["object", "null"],
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    return {**schema, "properties": properties}, models


def document() -> dict[str, Any]:
    """The whole schema: the fragments and everything they refer to, in a fixed order."""
    definitions: dict[str, Any] = {}
    waiting = list(FRAGMENTS)
    while waiting:
        name = waiting.pop(0)
        if kind_of(name) not in definitions:
            definitions[kind_of(name)], found = model_schema(getattr(client, name))
            waiting += found
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "kubernetes.schema.json",
        "title": "Pod fragments",
        "description": "Pieces of a pod in Kubernetes' own words.",
        "$comment": "Written by scripts/kubernetes_schema.py from the Kubernetes client; not edited by hand.",
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The file's text."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
