"""The whole stack on this machine: the local cluster, and an Airflow that runs its pods there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dag_factory import settings
from dag_factory.cli.check import find_home
from dag_factory.cluster.config import ClusterConfig, ImageSource
from dag_factory.config import open_project
from dag_factory.config.platform.tables import Tables
from dag_factory.config.source import image_folders
from dag_factory.config.source.layout import PLATFORM
from dag_factory.local.instance import Instance, kubernetes_connection

LOCAL = image_folders.ENVIRONMENT
"""The environment that runs on this machine, where ``DAG_FACTORY_ENV`` names no other."""


@dataclass(frozen=True)
class Stack:
    """Both parts, with their files in ``<home>/.dagf/<name>``. ``up`` and the demo each have their own."""

    home: Path
    name: str
    tables: Tables

    @property
    def folder(self) -> Path:
        """Where everything lies that the stack leaves."""
        return self.home / ".dagf" / self.name

    @property
    def cluster_folder(self) -> Path:
        """The state of the local cluster: claims, logs, environments of images."""
        return self.folder / "cluster"

    @property
    def cluster(self) -> ClusterConfig:
        """How the local cluster is started. The environments made for images serve every stack of the project."""
        return ClusterConfig(
            state=self.cluster_folder,
            images=self.images,
            namespaces=self.tables.namespaces,
            venvs=self.home / ".dagf" / "images",
            image_source=image_source(self.home, self.tables.environment),
        )

    @property
    def images(self) -> dict[str, Path]:
        """What an image means where pods are processes: a folder of the project."""
        return {pattern: self.home / folder for pattern, folder in self.tables.images.items()}

    @property
    def instance(self) -> Instance:
        """The Airflow of this stack, connected to the cluster of this stack."""
        connection = self.tables.cluster.kubernetes_conn_id or "kubernetes_default"
        kubeconfig = kubernetes_connection(self.cluster_folder / "kubeconfig")
        return Instance(self.home, self.folder, self.tables.environment, {connection: kubeconfig})


def image_source(home: Path, environment: str, given: Sequence[str] = ()) -> ImageSource:
    """How a running cluster reads the table of images again; ``given`` are the options that win over it."""
    program = "from dag_factory.cli import main; main()"
    options = [part for text in given for part in ("--image", text)]
    command = (sys.executable, "-c", program, "cluster", "images", "--home", str(home), "--env", environment, *options)
    return ImageSource(command, (home / PLATFORM, home / image_folders.FOLDER))


def open_stack(name: str, home: Path | None = None) -> Stack:
    """The stack of the project here. Raises ``ProjectError`` where there is no project or no such environment."""
    project = open_project(find_home(home, ()), settings.environment() or LOCAL)
    return Stack(project.home, name, project.tables)
