"""``dagf cluster up``: start the local cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.images import project_image_source, project_images, project_service_accounts
from dag_factory.cli.commands.cluster.state import cluster_errors, state_folder
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cluster import ClusterConfig
from dag_factory.cluster import up as start


def up(state: Path | None, images: Mapping[str, Path], foreground: bool, **options: Any) -> int:
    """Start a cluster with the project's images and these. ``options`` are further fields of ``ClusterConfig``."""
    folders = {pattern: folder.absolute() for pattern, folder in {**project_images(), **images}.items()}
    config = ClusterConfig(
        state=state_folder(state),
        images=folders,
        image_source=project_image_source(images),
        service_accounts=(*project_service_accounts(), *options.pop("service_accounts", ())),
        **options,
    )
    if foreground:
        _serve(config)
        return 0
    with cluster_errors():
        handle = start(config)
    terminal.write(f"The local cluster {'has started' if handle.new else 'runs already'}: {handle.server}")
    terminal.write("It is a Kubernetes API for development only. Pods run on this machine.")
    terminal.write(f"export KUBECONFIG={handle.kubeconfig}")
    return 0


def _serve(config: ClusterConfig) -> None:
    from dag_factory.cluster.access import AlreadyRunning
    from dag_factory.cluster.server import serve

    with cluster_errors():
        try:
            serve(config, lambda address: terminal.note(f"https://{address}  (stop with Ctrl-C)"))
        except (AlreadyRunning, OSError, ValueError) as failure:
            raise CouldNotRun(str(failure)) from failure
