"""Messages of Kubernetes about things that a pod refers to and that do not exist."""

from __future__ import annotations

import re

_NAMES = {"configmap": "config map", "serviceaccount": "service account", "persistentvolumeclaim": "volume claim"}
_MISSING = re.compile(
    r"\b(secret|configmap|serviceaccount|persistentvolumeclaim|namespace)s? \"([^\"]+)\" not found", re.IGNORECASE
)
_KEY = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) (?:[^/\s]+/)?(\S+)")
_VOLUME_KEY = re.compile(r"(?:for volume \"([^\"]+)\" : )?references non-existent (secret|config) key: (\S+)")
_PRIORITY = re.compile(r"no PriorityClass with name (\S+) was found")
_RUNTIME = re.compile(r"RuntimeClass(?:\.node\.k8s\.io)? \"([^\"]+)\" not found", re.IGNORECASE)
_ROOT = "container has runAsNonRoot and image will run as root"
_USER_NAME = re.compile(r"container has runAsNonRoot and image has non-numeric user \(([^)]*)\)")


def describe(message: str) -> str:
    """What is missing or contradicts the pod, as a sentence; an empty string for every other message."""
    if match := _MISSING.search(message):
        kind = match[1].lower()
        return f"{_NAMES.get(kind, kind)} `{match[2]}` does not exist"
    if match := _KEY.search(message):
        return f"{_NAMES.get(match[2].lower(), match[2].lower())} `{match[3]}` has no key `{match[1]}`"
    if match := _VOLUME_KEY.search(message):
        kind = "secret" if match[2] == "secret" else "config map"
        return (
            f"the {kind} of volume `{match[1]}` has no key `{match[3]}`"
            if match[1]
            else (f"a {kind} has no key `{match[3]}`")
        )
    if match := _PRIORITY.search(message):
        return f"priority class `{match[1]}` does not exist"
    if match := _RUNTIME.search(message):
        return f"runtime class `{match[1]}` does not exist"
    if _ROOT in message:
        return "the image runs as root, and the pod has `runAsNonRoot`"
    if match := _USER_NAME.search(message):
        return f"the image has the user name `{match[1]}`, and `runAsNonRoot` needs a number"
    return ""
