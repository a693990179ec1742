"""Images that cannot be pulled: what the container runtime and the registry say."""

from __future__ import annotations

import re
from typing import NamedTuple

from dag_factory.verdicts.evidence.model import Container, Evidence
from dag_factory.verdicts.kinds import Kind
from dag_factory.verdicts.rules.phrases import cause, clause

REASONS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
}
_ALTERNATING = ("ImagePullBackOff", "ErrImagePull")
_DENIED = re.compile(
    r"pull access denied|insufficient_scope|authorization failed|failed to authorize|no basic auth credentials"
    r"|unauthorized|authentication required|access (?:to the resource )?is denied|denied: "
    r"|40[13] (?:Unauthorized|Forbidden)|invalid username/password|code = (?:Unauthenticated|PermissionDenied)",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(r"toomanyrequests|429 Too Many Requests|pull rate limit", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|i/o timeout|connection refused|connection reset|TLS handshake timeout|x509:"
    r"|: EOF|context deadline exceeded|50[0-9] (?:Internal|Bad Gateway|Service Unavailable|Gateway)"
)
_PLATFORM = re.compile(r"no match for platform|no matching manifest for|does not match the specified platform")
_NOT_FOUND = re.compile(
    r"code = NotFound|: not found|manifest unknown|name unknown|404 Not Found|repository .* not found"
)


class PullFailure(NamedTuple):
    """Why an image cannot be pulled. ``sentence`` has no prefix; ``is_final``: each further pull fails too."""

    kind: Kind
    sentence: str
    advice: str
    reasons: tuple[str, ...]
    is_final: bool


def pull_failure(container: Container, evidence: Evidence) -> PullFailure | None:
    """Why the image of a waiting container cannot be pulled; None if it waits for something else."""
    reason, image = container.reason, f"`{container.image}`" if container.image else "its image"
    if reason not in REASONS:
        return None
    reasons = (reason, *(one for one in _ALTERNATING if reason in _ALTERNATING))
    message = _message(container, evidence)
    if reason == "InvalidImageName":
        advice = "correct the name of the image"
        return PullFailure("image-not-found", f"{image} is not a valid image name", advice, reasons, True)
    if reason == "ErrImageNeverPull":
        sentence, advice = f"{image} is not on the node, and `imagePullPolicy` is `Never`", "load the image on the node"
        return PullFailure("image-not-found", sentence, advice, reasons, True)
    if reason == "SignatureValidationFailed":
        sentence = f"the signature of {image} is not valid: {cause(message)}"
        return PullFailure("image-denied", sentence, "use a signed image", reasons, True)
    if _TOO_MANY.search(message):
        sentence, advice = f"the registry of {image} allows no more pulls for now", "wait, or pull through a mirror"
        return PullFailure("image-denied", sentence, advice, reasons, False)
    if _PLATFORM.search(message):
        sentence, advice = f"{image} has no variant for the CPU of the node", "build the image for the node's CPU"
        return PullFailure("image-not-found", sentence, advice, reasons, True)
    if match := _UNREACHABLE.search(message):
        sentence = f"the registry of {image} cannot be reached: {clause(message[match.start() :].lstrip(': '), 200)}"
        return PullFailure("start-failed", sentence, "check that the node can reach the registry", reasons, False)
    if _DENIED.search(message):
        sentence = f"the registry refuses {image}: {_last(message)}"
        return PullFailure("image-denied", sentence, "", reasons, True)
    if _NOT_FOUND.search(message):
        return PullFailure("image-not-found", f"the registry has no image {image}", "", reasons, True)
    sentence = f"{image} cannot be pulled: {cause(message) or reason}"
    return PullFailure("start-failed", sentence, "read what the registry says", reasons, False)


def _message(container: Container, evidence: Evidence) -> str:
    """The longest message: an event has the cause where the status only says that the kubelet waits."""
    found = container.message
    for event in evidence.events_of("Failed", container=container.name):
        if event.message.startswith("Failed to pull image"):
            return max(found, event.message, key=len)
    return found


def _last(message: str) -> str:
    """The last parts of a registry's answer, without the image's name that the runtime repeats."""
    text = cause(message)
    for start in ("pull access denied", "failed to authorize", "unexpected status", "no basic auth", "unauthorized"):
        if start in text:
            text = text[text.index(start) :]
            break
    return clause(text, 200)
