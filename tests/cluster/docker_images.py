"""Images for the Docker engine of the tests: nothing can be pulled there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from airflow.providers.cncf.kubernetes.utils.xcom_sidecar import PodDefaults

from dag_factory.cluster.docker.client import DockerClient


def tag_sidecar(host: str) -> None:
    """The operator's sidecar has an image of its own, and any with a shell will do."""
    repository, _, tag = PodDefaults.SIDECAR_CONTAINER.image.partition(":")
    client = DockerClient(Path(host.removeprefix("unix://")))
    asyncio.run(client.request("POST", "/images/busybox:stable/tag", repo=repository, tag=tag))
