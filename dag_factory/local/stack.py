"""The stack on this machine: the local cluster, and an Airflow that runs its pods there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dag_factory import cluster
from dag_factory.cluster.config import ClusterConfig
from dag_factory.config.platform.tables import Tables
from dag_factory.local.image_source import image_source
from dag_factory.local.instance import Instance, LocalError, check_port, kubernetes_connection

# For runs of single pipelines: their DAG files change seldom and are parsed only then, and at once.
_PRIVATE = {
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "86400",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
}


@dataclass(frozen=True)
class Stack:
    """Both parts, with their files in ``<home>/.dagf/<name>``.

    A ``private`` Airflow has DAG files of its own and no triggerer. With ``remote`` connections, by id, the pods run in
    another cluster, and none is started here.
    """

    home: Path
    name: str
    tables: Tables
    private: bool = False
    remote: dict[str, str] | None = None

    @property
    def folder(self) -> Path:
        """The folder of everything that the stack writes."""
        return self.home / ".dagf" / self.name

    @property
    def cluster_folder(self) -> Path:
        """The state of the local cluster: volume claims and logs."""
        return self.folder / "cluster"

    @property
    def dag_files(self) -> Path:
        """The folder of the DAG files of a private Airflow."""
        return self.folder / "dags"

    @property
    def cluster(self) -> ClusterConfig:
        """The settings of the local cluster. All stacks of a project share the virtual environments of images."""
        return ClusterConfig(
            state=self.cluster_folder,
            images=self.images,
            namespaces=self.tables.namespaces,
            service_accounts=self.tables.service_accounts,
            venvs=self.home / ".dagf" / "images",
            image_source=image_source(self.home, self.tables.environment),
        )

    @property
    def images(self) -> dict[str, Path]:
        """The folder of the project that each image runs from."""
        return {pattern: self.home / folder for pattern, folder in self.tables.images.items()}

    @property
    def connections(self) -> dict[str, str]:
        """The Airflow connections to the cluster."""
        if self.remote is not None:
            return self.remote
        name = self.tables.cluster.kubernetes_conn_id or "kubernetes_default"
        return {name: kubernetes_connection(self.cluster_folder / "kubeconfig")}

    @property
    def instance(self) -> Instance:
        """The Airflow of this stack, connected to its cluster."""
        if not self.private:
            return Instance(self.home, self.folder, self.tables.environment, self.connections)
        return Instance(
            self.home,
            self.folder,
            self.tables.environment,
            self.connections,
            dags=self.dag_files,
            left_out=("triggerer",),
            options=_PRIVATE,
        )

    def is_running(self) -> bool:
        """Whether all of its parts run."""
        has_cluster = self.remote is not None or cluster.is_running(self.cluster_folder)
        return has_cluster and self.instance.running() is not None

    def start(self, port: int, report: Callable[[str], None] = lambda _: None) -> str:
        """Start what does not run yet. Returns the address of Airflow's UI. Raises ``LocalError``."""
        running = self.instance.running()
        if running:
            report("Airflow is running already.")
            return running.url
        check_port(port)
        if self.remote is None:
            report(f"Starting the local cluster and Airflow for the environment {self.tables.environment} …")
            try:
                cluster.up(self.cluster)
            except cluster.ClusterError as failure:
                raise LocalError(str(failure)) from failure
        try:
            return self.instance.start(port, report=report).url
        except BaseException:
            cluster.down(self.cluster_folder)
            raise

    def stop(self) -> bool:
        """Stop both parts, Airflow first. Returns whether one of them ran."""
        airflow_ran = self.instance.stop()
        return cluster.down(self.cluster_folder) or airflow_ran
