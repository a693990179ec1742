"""Names, options and help of the ``dagf cluster`` commands. Their work is in ``commands.cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dag_factory.cli import completion
from dag_factory.cli.groups.program import Commands
from dag_factory.cli.options import (
    environment_option,
    fraction,
    home_option,
    image_option,
    key_value,
    namespace_option,
    state_option,
)


@click.group(cls=Commands)
def cluster() -> None:
    """Manage the local cluster: a Kubernetes API on this machine, for development.

    \b
    Examples:
      dagf cluster up
      dagf cluster ps
      dagf cluster logs POD --follow
    """


@cluster.command()
@state_option
@click.option(
    "--node-cpu", default="32", show_default=True, help="The CPUs that the node reports. The machine may have less."
)
@click.option("--node-memory", default="64Gi", show_default=True, help="The memory that the node reports.")
@click.option("--gpus", default=0, show_default=True, help="The GPUs that the node reports; containers get none.")
@image_option("Run images of this name from a folder.")
@click.option(
    "--namespace", "namespaces", multiple=True, help="Create this namespace in addition to default. Repeatable."
)
@click.option(
    "--service-account",
    "service_accounts",
    multiple=True,
    help="Create this service account in addition to those of the environment. Repeatable.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of the API.  [default: the port of the last start, or any free port]",
)
@click.option(
    "--engine",
    type=click.Choice(["process", "docker"]),
    default="process",
    show_default=True,
    help="Run containers as processes, or in the Docker engine at DOCKER_HOST with real images.",
)
@click.option(
    "--make-claims/--no-make-claims",
    default=True,
    help="Whether to create missing volume claims that a pod uses.  [default: make-claims]",
)
@click.option(
    "--isolation",
    type=click.Choice(["best", "namespaces", "user-namespace", "plain"]),
    default="best",
    show_default=True,
    help="How pods are separated. best is the first of the others that works. plain works on every machine.",
)
@click.option(
    "--strict-volumes",
    is_flag=True,
    help="Let only root write to claims, unless the pod sets fsGroup, as on many real clusters.",
)
@click.option("--foreground", is_flag=True, help="Run in this terminal until Ctrl-C.")
def up(state: Path | None, images: tuple[tuple[str, Path], ...], foreground: bool, **options: Any) -> int:
    """Start the cluster in the background, if it is not running.

    \b
    Examples:
      dagf cluster up
      dagf cluster up --engine docker --node-cpu 4
      eval "$(dagf cluster up | grep ^export)" && kubectl get pods -A

    Exit code: 0 if the cluster runs, 2 if it could not start.
    """
    from dag_factory.cli.commands.cluster.up import up

    return up(state, dict(images), foreground, **options)


@cluster.command()
@state_option
def down(state: Path | None) -> int:
    """Stop the cluster and its pods. Volume claims and logs are kept.

    \b
    Examples:
      dagf cluster down
      dagf cluster down --state /tmp/cluster

    The cluster of `dagf up` ends with `dagf down`.
    """
    from dag_factory.cli.commands.cluster.down import down

    return down(state)


@cluster.command()
@state_option
def status(state: Path | None) -> int:
    """Show the engine, the isolation, the faults, the pods, and where the file for kubectl is.

    \b
    Examples:
      dagf cluster status
      dagf cluster status --state /tmp/cluster

    Exit code: 0 if a cluster runs, 1 if none does.
    """
    from dag_factory.cli.commands.cluster.status import status

    return status(state)


@cluster.command()
@state_option
@click.option("-a", "--all", "everything", is_flag=True, help="Also list pods that have ended.")
def ps(state: Path | None, everything: bool) -> int:
    """List the waiting and running pods of all namespaces.

    \b
    Examples:
      dagf cluster ps
      dagf cluster ps --all        also the pods that have ended
    """
    from dag_factory.cli.commands.cluster.ps import ps

    return ps(state, everything)


@cluster.command()
@state_option
@namespace_option
@click.argument("pod", shell_complete=completion.pods)
@click.option(
    "-c", "--container", default="", help="Print only the log of this container.  [default: all, one after the other]"
)
@click.option("-f", "--follow", is_flag=True, help="Continue until the container ends.")
@click.option("--tail", type=click.IntRange(0), help="Print only this many lines from the end.")
@click.option("-t", "--timestamps", is_flag=True, help="Print a timestamp before each line.")
@click.option("-p", "--previous", is_flag=True, help="Print the log of the container before its last restart.")
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
    """Print the log of a pod.

    \b
    Examples:
      dagf cluster logs POD --follow
      dagf cluster logs POD -c base --tail 20
    """
    from dag_factory.cli.commands.cluster.logs import logs

    return logs(state, namespace, pod, container, follow, tail, timestamps, previous)


@cluster.command()
@state_option
@namespace_option
@click.argument("name")
@click.argument("pairs", nargs=-1, required=True, type=key_value, metavar="KEY=VALUE...")
def secret(state: Path | None, namespace: str, name: str, pairs: tuple[tuple[str, str], ...]) -> int:
    """Create or replace a secret with these keys. Jobs read a key as `{secret: NAME/KEY}`.

    \b
    Examples:
      dagf cluster secret warehouse url=postgresql://db/x
      dagf cluster secret api token=t0ken user=me -n ml
    """
    from dag_factory.cli.commands.cluster.secret import secret

    return secret(state, namespace, name, dict(pairs))


@cluster.command()
@home_option
@environment_option("The environment.  [default: local]")
@image_option("Override the table with this folder.")
def images(home: Path | None, environment: str | None, images: tuple[tuple[str, Path], ...]) -> int:
    """Print the folder of each image as JSON. A running cluster calls this command after the images change.

    \b
    Examples:
      dagf cluster images
      dagf cluster images --env local --image "examples/*=images/hello"
    """
    from dag_factory.cli.commands.cluster.images import images as show_images

    return show_images(home, environment, dict(images))


@cluster.command()
@state_option
@namespace_option
@click.argument("pod", shell_complete=completion.pods)
def evict(state: Path | None, namespace: str, pod: str) -> int:
    """Evict a pod, as a node does when it runs out of memory. The pod fails with the reason Evicted.

    \b
    Examples:
      dagf cluster evict POD
      dagf cluster evict POD -n ml
    """
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
    help="Let this fraction of API requests fail, such as 10% or 0.1. 0 stops the errors.",
)
@click.option("--clear", is_flag=True, help="Remove all pending faults and stop API errors.")
@click.option("--pod", "pattern", default="*", metavar="PATTERN", help="Affect pods whose names match.  [default: any]")
@click.option("--times", type=click.IntRange(1), default=1, show_default=True, help="Affect this many pods.")
@click.option(
    "--after",
    type=float,
    default=0.0,
    help="The fault happens after a container has run for this many seconds. With --node-lost: the seconds until the "
    "pods are deleted.  [default: 0; with --node-lost: 5]",
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
    """Inject a fault, to see how a pipeline reacts. It affects running pods first, then the next pods that match.

    \b
    Examples:
      dagf cluster fault --oom                      the next container exceeds its memory
      dagf cluster fault --evict --pod "*train*"     a pod of a job is evicted
      dagf cluster fault --api-errors 10%            one request in ten fails
      dagf cluster fault --clear
    """
    from dag_factory.cli.commands.cluster.fault import fault

    return fault(state, kind, error_rate, clear, pattern, times, after)
