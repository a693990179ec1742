"""Names, options and help of the ``dagf cluster`` commands. Their work is in ``commands.cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dag_factory.cli.groups import Commands
from dag_factory.cli.options import fraction, home_option, image_option, key_value, namespace_option, state_option


@click.group(cls=Commands)
def cluster() -> None:
    """Manage the local cluster: a Kubernetes API on this machine, for development."""


@cluster.command()
@state_option
@click.option("--node-cpu", default="32", show_default=True, help="The CPUs of the node, whatever the machine has.")
@click.option("--node-memory", default="64Gi", show_default=True, help="The memory of the node.")
@click.option("--gpus", default=0, show_default=True, help="The GPUs that the node reports; containers get none.")
@image_option("Run images of this name from a folder.")
@click.option("--namespace", "namespaces", multiple=True, help="Create this namespace too. Repeatable.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port of the API.  [default: the last one, or any]"
)
@click.option(
    "--engine",
    type=click.Choice(["process", "docker"]),
    default="process",
    show_default=True,
    help="Run containers as processes, or with real images in the Docker engine at DOCKER_HOST.",
)
@click.option(
    "--make-claims/--no-make-claims", default=True, help="Create each volume claim that a pod names and nobody created."
)
@click.option(
    "--isolation",
    type=click.Choice(["best", "namespaces", "user-namespace", "plain"]),
    default="best",
    show_default=True,
    help="What separates pods; plain uses folders only, for machines that allow nothing else.",
)
@click.option("--foreground", is_flag=True, help="Run in this terminal until Ctrl-C.")
def up(state: Path | None, images: tuple[tuple[str, Path], ...], foreground: bool, **options: Any) -> int:
    """Start the cluster in the background, unless it runs already."""
    from dag_factory.cli.commands.cluster.up import up

    return up(state, dict(images), foreground, **options)


@cluster.command()
@state_option
def down(state: Path | None) -> int:
    """Stop the cluster and its pods. Volume claims and logs stay."""
    from dag_factory.cli.commands.cluster.down import down

    return down(state)


@cluster.command()
@state_option
def status(state: Path | None) -> int:
    """Show the engine, the isolation, the faults and the pods. Exit code 1 if no cluster runs."""
    from dag_factory.cli.commands.cluster.status import status

    return status(state)


@cluster.command()
@state_option
@click.option("-a", "--all", "everything", is_flag=True, help="List pods that have ended too.")
def ps(state: Path | None, everything: bool) -> int:
    """List the pods of all namespaces that wait or run."""
    from dag_factory.cli.commands.cluster.ps import ps

    return ps(state, everything)


@cluster.command()
@state_option
@namespace_option
@click.argument("pod")
@click.option("-c", "--container", default="", help="Print the log of this container only.  [default: all in turn]")
@click.option("-f", "--follow", is_flag=True, help="Continue until the container ends.")
@click.option("--tail", type=click.IntRange(0), help="Print this many lines from the end only.")
@click.option("-t", "--timestamps", is_flag=True, help="Print the time of each line.")
@click.option("-p", "--previous", is_flag=True, help="Print the log of the run before the last restart.")
def logs(
    state: Path | None,
    namespace: str,
    pod: str,
    container: str,
    follow: bool,
    tail: int | None,
    timestamps: bool,
    previous: bool,
) -> int:
    """Print the log of a pod."""
    from dag_factory.cli.commands.cluster.logs import logs

    return logs(state, namespace, pod, container, follow, tail, timestamps, previous)


@cluster.command()
@state_option
@namespace_option
@click.argument("name")
@click.argument("pairs", nargs=-1, required=True, type=key_value, metavar="KEY=VALUE...")
def secret(state: Path | None, namespace: str, name: str, pairs: tuple[tuple[str, str], ...]) -> int:
    """Create or replace a secret with these keys. Jobs read a key as `{secret: NAME/KEY}`."""
    from dag_factory.cli.commands.cluster.secret import secret

    return secret(state, namespace, name, dict(pairs))


@cluster.command()
@home_option
@click.option("--env", "environment", default=None, metavar="NAME", help="The environment.  [default: local]")
@image_option("Override the table with this folder.")
def images(home: Path | None, environment: str | None, images: tuple[tuple[str, Path], ...]) -> int:
    """Print the folder of each image as JSON. A running cluster calls this after a table changes."""
    from dag_factory.cli.commands.cluster.images import images as show_images

    return show_images(home, environment, dict(images))


@cluster.command()
@state_option
@namespace_option
@click.argument("pod")
def evict(state: Path | None, namespace: str, pod: str) -> int:
    """Evict a pod, as a node does that runs out of memory. The pod fails with the reason Evicted."""
    from dag_factory.cli.commands.cluster.evict import evict

    return evict(state, namespace, pod)


@cluster.command()
@state_option
@click.option("--oom", "kind", flag_value="oom", help="Containers exceed their memory: OOMKilled, exit code 137.")
@click.option("--evict", "kind", flag_value="evict", help="The node evicts pods: reason Evicted.")
@click.option("--node-lost", "kind", flag_value="node", help="The node and its pods disappear; a new node appears.")
@click.option(
    "--api-errors",
    "error_rate",
    type=fraction,
    metavar="FRACTION",
    help="Let this fraction of API requests fail: 10% or 0.1; 0 stops it.",
)
@click.option("--clear", is_flag=True, help="Remove all pending faults and stop API errors.")
@click.option("--pod", "pattern", default="*", metavar="PATTERN", help="Affect pods of this name.  [default: any]")
@click.option("--times", type=click.IntRange(1), default=1, show_default=True, help="Affect this many pods.")
@click.option(
    "--after",
    type=float,
    default=0.0,
    help="Wait until a container has run this many seconds; for a lost node, until its pods are deleted.",
)
def fault(
    state: Path | None,
    kind: str | None,
    error_rate: float | None,
    clear: bool,
    pattern: str,
    times: int,
    after: float,
) -> int:
    """Inject a fault, to see how a pipeline reacts. It affects running pods first, then the next that match."""
    from dag_factory.cli.commands.cluster.fault import fault

    return fault(state, kind, error_rate, clear, pattern, times, after)
