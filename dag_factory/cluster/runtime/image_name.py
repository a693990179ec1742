"""Names of images: validation, full names, and the messages of a container runtime about them."""

from __future__ import annotations

import re

from .engine import PullError

_REFERENCE = re.compile(
    r"^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$"
)


def check(name: str) -> None:
    """Check that a name is valid. Raises PullError (InvalidImageName), worded as a kubelet does."""
    if not _REFERENCE.match(name):
        repository = name.partition(":")[0]
        shown = repository if "/" in repository else f"library/{repository}"
        detail = f"repository name ({shown}) must be lowercase" if repository.lower() != repository else ""
        raise PullError(
            "InvalidImageName",
            f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": invalid reference format'
            + (f": {detail}" if detail else ""),
        )


def full(name: str) -> str:
    """The name with its registry and tag: ``docker.io/library/alpine:3``."""
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def not_found(name: str) -> str:
    """The message of a container runtime about an image that the registry does not have."""
    full_name = name if "." in name.partition("/")[0] else full(name)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{full_name}": failed to resolve reference '
        f'"{full_name}": {full_name}: not found'
    )


def no_folder(name: str) -> str:
    """The message about an image without a folder, when pods are processes. It ends with a real cluster's message."""
    return (
        "no folder for this image: add it under cluster.local.images, or put its code and Dockerfile into "
        f"images/{name.rpartition('/')[2].partition('@')[0].partition(':')[0]}. Pods are processes of this machine and "
        f"no image is pulled; the message of a real cluster is: {not_found(name)}"
    )


def unreachable(name: str, reason: str) -> str:
    """The message of a container runtime that can't reach the registry."""
    full_name = name if "." in name.partition("/")[0] else full(name)
    return (
        f'rpc error: code = Unknown desc = failed to pull and unpack image "{full_name}": failed to resolve reference '
        f'"{full_name}": failed to do request: {reason}'
    )
