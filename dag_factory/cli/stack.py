"""The stack on this machine: the local cluster, and an Airflow that runs its pods there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dag_factory import cluster, settings
from dag_factory.cli import terminal
from dag_factory.cli.find_home import find_home
from dag_factory.cli.image_source import LOCAL, image_source
from dag_factory.cluster.config import ClusterConfig
from dag_factory.config import open_project
from dag_factory.config.platform.tables import Tables
from dag_factory.local.instance import Instance, LocalError, check_port, kubernetes_connection


@dataclass(frozen=True)
class Stack:
    """Both parts, with their files in ``<home>/.dagf/<name>``. ``dagf up`` and ``dagf demo`` each have their own."""

    home: Path
    name: str
    tables: Tables

    @property
    def folder(self) -> Path:
        """The folder of everything that the stack writes."""
        return self.home / ".dagf" / self.name

    @property
    def cluster_folder(self) -> Path:
        """The state of the local cluster: volume claims and logs."""
        return self.folder / "cluster"

    @property
    def cluster(self) -> ClusterConfig:
        """The settings of the local cluster. All stacks of a project share the virtual environments of images."""
        return ClusterConfig(
            state=self.cluster_folder,
            images=self.images,
            namespaces=self.tables.namespaces,
            venvs=self.home / ".dagf" / "images",
            image_source=image_source(self.home, self.tables.environment),
        )

    @property
    def images(self) -> dict[str, Path]:
        """The folder of the project that each image runs from."""
        return {pattern: self.home / folder for pattern, folder in self.tables.images.items()}

    @property
    def instance(self) -> Instance:
        """The Airflow of this stack, connected to its cluster."""
        connection = self.tables.cluster.kubernetes_conn_id or "kubernetes_default"
        kubeconfig = kubernetes_connection(self.cluster_folder / "kubeconfig")
        return Instance(self.home, self.folder, self.tables.environment, {connection: kubeconfig})

    def start(self, port: int) -> str:
        """Start what does not run yet. Returns the address of Airflow's UI. Raises ``LocalError``."""
        running = self.instance.running()
        if running:
            terminal.note("Airflow is running already.")
            return running.url
        check_port(port)
        terminal.note(f"Starting the local cluster and Airflow for the environment {self.tables.environment} …")
        try:
            cluster.up(self.cluster)
        except cluster.ClusterError as failure:
            raise LocalError(str(failure)) from failure
        try:
            return self.instance.start(port, report=terminal.note).url
        except BaseException:
            cluster.down(self.cluster_folder)
            raise

    def stop(self) -> bool:
        """Stop both parts, Airflow first. Returns whether one of them ran."""
        airflow_ran = self.instance.stop()
        return cluster.down(self.cluster_folder) or airflow_ran


def open_stack(name: str, home: Path | None = None) -> Stack:
    """Return the stack of the project. Raises ``ProjectError`` if there is no project or no such environment."""
    project = open_project(find_home(home), settings.environment() or LOCAL)
    return Stack(project.home, name, project.tables)
