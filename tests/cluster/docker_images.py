"""Images for the Docker engine of the tests, which can pull no images."""

from __future__ import annotations

import asyncio
from pathlib import Path

from airflow.providers.cncf.kubernetes.utils.xcom_sidecar import PodDefaults

from dag_factory.cluster.docker.client import DockerClient


def tag_sidecar(host: str) -> None:
    """Give an image with a shell the name of the operator's sidecar image."""
    repository, _, tag = PodDefaults.SIDECAR_CONTAINER.image.partition(":")
    client = DockerClient(Path(host.removeprefix("unix://")))
    asyncio.run(client.request("POST", "/images/busybox:stable/tag", repo=repository, tag=tag))
