"""Names of images: which are names at all, and what they are in full."""

from __future__ import annotations

import re

from .engine import PullError

_REFERENCE = re.compile(
    r"^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$"
)


def check(name: str) -> None:
    """Raises PullError (InvalidImageName) in a kubelet's words."""
    if not _REFERENCE.match(name):
        repository = name.partition(":")[0]
        why = (
            "repository name (library/" + repository + ") must be lowercase" if repository.lower() != repository else ""
        )
        raise PullError(
            "InvalidImageName",
            f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": invalid reference format'
            + (f": {why}" if why else ""),
        )


def full(name: str) -> str:
    """With its registry and its tag: ``docker.io/library/alpine:3``."""
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def not_found(name: str) -> str:
    """What a container runtime says of an image that no registry has."""
    whole = name if "." in name.partition("/")[0] else full(name)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{whole}": failed to resolve reference '
        f'"{whole}": {whole}: not found'
    )


def no_folder(name: str) -> str:
    """Why an image cannot be had where pods are processes, which no registry gives; then what a cluster says."""
    return (
        "no folder for this image: add it under cluster.local.images, or put its code and Dockerfile into "
        f"images/{name.rpartition('/')[2].partition('@')[0].partition(':')[0]}. Pods are processes of this machine and "
        f"nothing is pulled; a real cluster without it says: {not_found(name)}"
    )


def unreachable(name: str, why: str) -> str:
    """What a container runtime says when it could not ask a registry."""
    whole = name if "." in name.partition("/")[0] else full(name)
    return (
        f'rpc error: code = Unknown desc = failed to pull and unpack image "{whole}": failed to resolve reference '
        f'"{whole}": failed to do request: {why}'
    )
