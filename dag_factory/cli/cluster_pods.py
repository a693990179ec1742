"""``dagf cluster ps | logs | evict | fault``: the pods of the local cluster, for people, and trouble for them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import click

from dag_factory.cli import CouldNotRun
from dag_factory.cli.cluster_state import folder, namespace_option, state_option

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@click.command()
@state_option
@click.option("-a", "--all", "everything", is_flag=True, help="Those that have ended too.")
def ps(state: Path | None, everything: bool) -> None:
    """List the pods that wait or run, of all namespaces."""
    from dag_factory.cluster.client import request_json

    with _failures():
        table = request_json(folder(state), "/api/v1/pods", accept=_TABLE)
    rows = [["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]]
    for row in table["rows"]:
        phase = next((c["reason"] for c in row.get("conditions") or [] if c["type"] == "Completed"), "")
        if everything or not phase:
            rows.append([row["object"]["metadata"]["namespace"], *map(str, row["cells"][:5])])
    if len(rows) == 1:
        click.echo("No pods." if everything else "No pods wait or run; -a shows those that have ended.")
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for line in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@click.command()
@state_option
@namespace_option
@click.argument("name")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
def secret(state: Path | None, namespace: str, name: str, pairs: tuple[str, ...]) -> None:
    """Make a secret of these keys, or replace the one of that name; jobs read it as `{secret: NAME/KEY}`."""
    from dag_factory.cluster.client import ResponseError, request_json

    data = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="KEY=VALUE")
        data[key] = value
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
    where = f"/api/v1/namespaces/{namespace}/secrets"
    with _failures():
        try:
            request_json(folder(state), where, "POST", body)
        except ResponseError as refused:
            if refused.code != HTTPStatus.CONFLICT:
                raise
            request_json(folder(state), f"{where}/{name}", "PUT", body)
    click.echo(f"The secret {name} in {namespace} has the keys {', '.join(data)}.")


@click.command()
@state_option
@namespace_option
@click.argument("pod")
@click.option("-c", "--container", default="", help="One container only.  [default: all, one after another]")
@click.option("-f", "--follow", is_flag=True, help="Until it ends.")
@click.option("--tail", type=click.IntRange(0), help="The last lines only.")
@click.option("-t", "--timestamps", is_flag=True, help="When each line was written.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the last restart.")
def logs(
    state: Path | None,
    namespace: str,
    pod: str,
    container: str,
    follow: bool,
    tail: int | None,
    timestamps: bool,
    previous: bool,
) -> None:
    """Print what a pod has written."""
    from dag_factory.cluster.client import request_json, stream_lines

    query = {"timestamps": str(timestamps).lower(), "previous": str(previous).lower(), "follow": str(follow).lower()}
    query |= {"tailLines": str(tail)} if tail is not None else {}
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    with _failures():
        spec = request_json(folder(state), path)["spec"]
        names = [c["name"] for c in [*(spec.get("initContainers") or []), *spec["containers"]]]
        for name in [container] if container else names:
            if len(names) > 1 and not container:
                click.secho(f"== {name} ==", fg="cyan", err=True)
            try:
                for line in stream_lines(folder(state), f"{path}/log", container=name, **query):
                    sys.stdout.buffer.write(line)
                    sys.stdout.buffer.flush()
            except _refused() as failure:
                if container or len(names) == 1:
                    raise
                click.echo(failure, err=True)


@click.command()
@state_option
@namespace_option
@click.argument("pod")
def evict(state: Path | None, namespace: str, pod: str) -> None:
    """End a pod as a node does that is short of memory: it fails, with the reason Evicted."""
    from dag_factory.cluster import faults_client

    with _failures():
        faults_client.evict(folder(state), pod, namespace)
    click.echo(f"Evicted {namespace}/{pod}.")


@click.command()
@state_option
@click.option("--oom", "kind", flag_value="oom", help="Memory runs out: OOMKilled, exit code 137.")
@click.option("--evict", "kind", flag_value="evict", help="The node is short of memory: Evicted.")
@click.option("--node-lost", "kind", flag_value="node", help="The node goes with all its pods, and another comes.")
@click.option("--api-errors", metavar="SHARE", help="This share of the API's answers are errors: 10%, or 0 for none.")
@click.option("--clear", is_flag=True, help="Take back what has not struck yet, and the API's errors.")
@click.option("--pod", "pattern", default="*", metavar="PATTERN", help="Which pods.  [default: any]")
@click.option("--times", type=click.IntRange(1), default=1, show_default=True, help="How many pods.")
@click.option(
    "--after",
    type=float,
    default=0.0,
    help="Seconds of a container's running; of a lost node, until its pods are deleted.",
)
def fault(
    state: Path | None, kind: str | None, api_errors: str | None, clear: bool, pattern: str, times: int, after: float
) -> None:
    """Make trouble, to see what a pipeline does. It strikes pods that run now, and then the next that match."""
    from dag_factory.cluster import faults_client, status

    where = folder(state)
    with _failures():
        if clear:
            faults_client.clear(where)
        if api_errors is not None:
            faults_client.set_api_errors(where, _share(api_errors))
        if kind == "node":
            faults_client.lose_node(where, after or 5.0)
            click.echo("The node is lost.")
        elif kind:
            struck = faults_client.fail_pods(where, kind, pattern, times=times, after=after)["struck"]
            click.echo(f"It strikes {struck} now, and the next {times - struck}." if struck < times else "Struck.")
        standing = (status(where) or {}).get("faults", [])
    click.echo("\n".join(standing) or "No faults stand.")


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    from dag_factory.cluster import ClusterError

    try:
        yield
    except ClusterError as failure:
        raise CouldNotRun(str(failure)) from failure


def _refused() -> type[Exception]:
    from dag_factory.cluster.client import ResponseError

    return ResponseError


def _share(text: str) -> float:
    """``10%`` or ``0.1``."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{text!r} is no share: 10%, or 0.1", param_hint="--api-errors")
    return share


COMMANDS = (ps, logs, secret, evict, fault)
