"""Which cluster and which Airflow ``dagf pods`` works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dag_factory import settings
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.cli.stack import Stack
from dag_factory.config import open_project
from dag_factory.local.image_source import LOCAL
from dag_factory.pods.airflow_tasks import AirflowTasks, AirflowUnavailable
from dag_factory.pods.cluster_pods import ClusterPods, ClusterUnavailable, connect


@dataclass(frozen=True)
class Where:
    """The options that choose a cluster, namespaces and an Airflow."""

    home: Path | None = None
    environment: str | None = None
    namespaces: tuple[str, ...] = ()
    all_namespaces: bool = False
    kubeconfig: Path | None = None
    context: str | None = None
    airflow: str | None = None


@dataclass(frozen=True)
class Connections:
    """``namespaces`` is empty for all namespaces. ``environment`` is None for the pods of all environments."""

    cluster: ClusterPods
    airflow: AirflowTasks | None
    namespaces: tuple[str, ...]
    environment: str | None

    @property
    def description(self) -> str:
        """One line that says what was asked."""
        airflow = self.airflow.url if self.airflow else "none"
        namespaces = ", ".join(self.namespaces) or "all namespaces"
        return f"Cluster: {self.cluster.name}, {namespaces}. Airflow: {airflow}."


def open_connections(where: Where) -> Connections:
    """Connect to the cluster. Raises ``CouldNotRun``, ``ProjectError``.

    Without options, this is the stack of ``dagf up``. A kubeconfig without an environment means all environments.
    """
    named = where.kubeconfig is not None or where.context is not None
    environment = where.environment or settings.environment() or (None if named else LOCAL)
    namespaces: tuple[str, ...] = ()
    kubeconfig, url = where.kubeconfig, where.airflow or settings.airflow_url()
    if environment is not None:
        project = open_project(find_home(where.home), environment)
        namespaces = project.tables.namespaces
        stack = Stack(project.home, "up", project.tables)
        if environment == LOCAL and not named:
            kubeconfig = _local_kubeconfig(stack)
            running = None if url else stack.instance.running()
            url = running.url if running else url
    with unavailable():
        cluster = connect(kubeconfig, where.context)
    chosen = where.namespaces or namespaces or (cluster.namespace,)
    airflow = AirflowTasks(url.rstrip("/"), settings.airflow_token()) if url else None
    return Connections(cluster, airflow, () if where.all_namespaces else chosen, environment)


@contextmanager
def unavailable() -> Iterator[None]:
    """Raise ``CouldNotRun`` if the cluster or Airflow does not answer."""
    try:
        yield
    except (ClusterUnavailable, AirflowUnavailable) as failure:
        raise CouldNotRun(str(failure)) from failure


def _local_kubeconfig(stack: Stack) -> Path:
    from dag_factory import cluster

    if cluster.status(stack.cluster_folder) is None:
        raise CouldNotRun(
            "the local cluster is not running; start it with `dagf up`, or name another one with --env or --kubeconfig"
        )
    return stack.cluster_folder / "kubeconfig"
