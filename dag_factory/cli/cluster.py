"""``dagf cluster``: a Kubernetes API on this machine that runs pods as processes, for development."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dag_factory import settings
from dag_factory.cli import CouldNotRun
from dag_factory.cli.cluster_pods import COMMANDS
from dag_factory.cli.cluster_state import folder, state_option

# dag_factory.cluster is imported where it is used: `dagf --help` names this module's commands and should be quick.


@click.group()
def cluster() -> None:
    """A Kubernetes API on this machine whose pods are processes: a stand-in for development."""


for _command in COMMANDS:
    cluster.add_command(_command)


@cluster.command("up")
@state_option
@click.option(
    "--node-cpu", default="32", show_default=True, help="CPUs that the node states, whatever the machine has."
)
@click.option("--node-memory", default="64Gi", show_default=True, help="Memory that the node states.")
@click.option("--gpus", default=0, show_default=True, help="GPUs that the node states; there are none behind them.")
@click.option("--image", "images", multiple=True, metavar="PATTERN=FOLDER", help="A folder for images of this name.")
@click.option("--namespace", "namespaces", multiple=True, help="A namespace to have besides `default`.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the API.  [default: the last one, or any]")
@click.option(
    "--engine",
    type=click.Choice(["process", "docker"]),
    default="process",
    show_default=True,
    help="What runs containers; docker is the engine at DOCKER_HOST, with real images.",
)
@click.option("--make-claims/--no-make-claims", default=True, help="Make a claim that a pod names and nobody made.")
@click.option(
    "--isolation",
    type=click.Choice(["best", "namespaces", "user-namespace", "plain"]),
    default="best",
    show_default=True,
    help="What keeps pods apart; plain is nothing but folders, for machines that refuse the rest.",
)
@click.option("--foreground", is_flag=True, help="Stay here until Ctrl-C.")
def up(
    state: Path | None,
    node_cpu: str,
    node_memory: str,
    gpus: int,
    images: tuple[str, ...],
    namespaces: tuple[str, ...],
    port: int,
    engine: str,
    make_claims: bool,
    isolation: str,
    foreground: bool,
) -> None:
    """Start the cluster, or say that it runs already."""
    bring_up(
        {**_project_images(), **dict(_image(text) for text in images)},
        image_source=_image_source(images),
        state=state,
        foreground=foreground,
        node_cpu=node_cpu,
        node_memory=node_memory,
        gpus=gpus,
        namespaces=namespaces,
        port=port,
        engine=engine,
        make_claims=make_claims,
        isolation=isolation,
    )


@cluster.command("images")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder that holds configs/.")
@click.option("--env", "environment", default=None, metavar="NAME", help="The environment.  [default: local]")
@click.option("--image", "images", multiple=True, metavar="PATTERN=FOLDER", help="A folder that wins over the table.")
def show_images(home: Path | None, environment: str | None, images: tuple[str, ...]) -> None:
    """Print which folder stands for which images, as JSON; a running cluster reads it again when a table changes."""
    found = {**_project_images(home, environment), **dict(_image(text) for text in images)}
    click.echo(json.dumps({pattern: str(folder.absolute()) for pattern, folder in found.items()}, indent=2))


@cluster.command("down")
@state_option
def down(state: Path | None) -> None:
    """Stop the cluster and end its pods. Claims and logs stay."""
    from dag_factory.cluster import ClusterError
    from dag_factory.cluster import down as stop

    try:
        click.echo("Stopped." if stop(folder(state)) else "Nothing was running.")
    except ClusterError as failure:
        raise CouldNotRun(str(failure)) from failure


@cluster.command("status")
@state_option
def status(state: Path | None) -> None:
    """Show what runs, how it is isolated, and the pods. Exit code 1 if no cluster runs."""
    from dag_factory.cluster import ClusterError
    from dag_factory.cluster import status as ask

    try:
        said = ask(folder(state))
    except ClusterError as failure:
        raise CouldNotRun(str(failure)) from failure
    if said is None:
        click.echo("No cluster runs. Start one with: dagf cluster up")
        raise SystemExit(1)
    _print_status(said)


def bring_up(
    images: Mapping[str, Path], *, state: Path | None = None, foreground: bool = False, **options: Any
) -> None:
    """Start a cluster with these images and say where it is. ``options`` are further fields of ClusterConfig."""
    from dag_factory.cluster import ClusterConfig, ClusterError
    from dag_factory.cluster import up as start

    config = ClusterConfig(state=folder(state), images={k: v.absolute() for k, v in images.items()}, **options)
    try:
        if foreground:
            _serve(config)
            return
        handle = start(config)
    except ClusterError as failure:
        raise CouldNotRun(str(failure)) from failure
    click.echo(f"The local cluster {'serves' if handle.new else 'runs already'}: {handle.server}")
    click.echo("It is a stand-in for development: a Kubernetes API that runs pods as processes of this machine.")
    click.echo(f"export KUBECONFIG={handle.kubeconfig}")


def _serve(config: Any) -> None:
    from dag_factory.cluster.access import AlreadyRunning
    from dag_factory.cluster.server import serve

    try:
        serve(config, lambda address: click.echo(f"https://{address}  (Ctrl-C ends it)", err=True))
    except (AlreadyRunning, OSError, ValueError) as failure:
        raise CouldNotRun(str(failure)) from failure


def _image_source(given: tuple[str, ...]) -> Any:
    """How the cluster reads the images of the project here again; None where there is no project."""
    from dag_factory.cli.check import find_home
    from dag_factory.cli.stack import LOCAL, image_source
    from dag_factory.config import ProjectError

    absolute = (f"{pattern}={folder.absolute()}" for pattern, folder in map(_image, given))
    try:
        return image_source(find_home(None, ()), settings.environment() or LOCAL, tuple(absolute))
    except ProjectError:
        return None


def _project_images(home: Path | None = None, environment: str | None = None) -> dict[str, Path]:
    """The folders that the environment of the project here, if there is one, gives to images."""
    from dag_factory.cli.check import find_home
    from dag_factory.config import ProjectError, open_project

    try:
        project = open_project(find_home(home, ()), environment or settings.environment() or "local")
    except ProjectError:
        return {}
    return {pattern: project.home / folder for pattern, folder in project.tables.images.items()}


def _image(text: str) -> tuple[str, Path]:
    pattern, equals, folder = text.rpartition("=")
    if not equals or not pattern:
        raise click.BadParameter(f"{text!r} is not PATTERN=FOLDER", param_hint="--image")
    if not Path(folder).is_dir():
        raise click.BadParameter(f"there is no folder {folder}", param_hint="--image")
    return pattern, Path(folder)


def _print_status(said: dict[str, Any]) -> None:
    pods = said.pop("pods")
    said.pop("running", None)
    said["faults"] = "; ".join(said.pop("faults", [])) or "none"
    width = max(map(len, said))
    for key, value in said.items():
        click.echo(f"{key:<{width}}  {value}")
    click.echo()
    if not pods:
        click.echo("No pods.")
        return
    wide = max(len(f"{pod['namespace']}/{pod['name']}") for pod in pods)
    for pod in pods:
        name = f"{pod['namespace']}/{pod['name']}"
        click.echo(f"{name:<{wide}}  {pod['phase']:<10}  {pod['created']}")
