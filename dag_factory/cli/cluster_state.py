"""What the commands of ``dagf cluster`` share: which cluster is meant."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory import settings

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The cluster's folder.  [default: .dagf/cluster in DAG_FACTORY_HOME]",
)
namespace_option = click.option("-n", "--namespace", default="default", show_default=True, help="Of the pod.")


def folder(state: Path | None) -> Path:
    return (state or (settings.home() or Path.cwd()) / ".dagf" / "cluster").absolute()
