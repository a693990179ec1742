"""Names, options and help of the ``dagf pods`` commands. Their work is in ``commands.pods``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from dag_factory.cli.groups.program import Commands
from dag_factory.cli.options import environment_option, home_option

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


def where_options(command: F) -> F:
    """Add the options that choose a cluster, namespaces and an Airflow."""
    for option in reversed(
        [
            environment_option(
                "Only pods of this environment, in its namespaces.  [default: DAG_FACTORY_ENV, or local; with "
                "--kubeconfig or --context: all]"
            ),
            click.option(
                "-n", "--namespace", "namespaces", multiple=True, metavar="NAME", help="Only this one. Repeatable."
            ),
            click.option("-A", "--all-namespaces", is_flag=True, help="The namespaces of the whole cluster."),
            click.option(
                "--kubeconfig",
                type=_FILE,
                help="The file with the cluster.  [default: that of `dagf up` "
                "for the environment local, else the one that kubectl uses]",
            ),
            click.option(
                "--context", metavar="NAME", help="The context of the kubeconfig.  [default: the current one]"
            ),
            click.option(
                "--airflow",
                metavar="URL",
                help="The Airflow that started the pods.  [default: DAG_FACTORY_AIRFLOW_URL, or the one of `dagf up`]  "
                "A token is read from DAG_FACTORY_AIRFLOW_TOKEN.",
            ),
            home_option,
        ]
    ):
        command = option(command)
    return command


@click.group(cls=Commands, invoke_without_command=True)
@where_options
@click.option("--orphans", is_flag=True, help="List only orphans, and exit with 1 if there are any.")
@click.option("--wide", is_flag=True, help="Also show the run and the namespace, and do not cut long lines.")
@click.option("--json", "output_json", is_flag=True, help="Print a JSON array.")
@click.pass_context
def pods(ctx: click.Context, /, orphans: bool, wide: bool, output_json: bool, **where: Any) -> int:
    """List the pods of jobs: why they wait or failed, and whether a try of Airflow watches them.

    An orphan is a pod that no try watches, and that no later try will take over. The column WATCH says `unknown` if no
    Airflow answers.

    \b
    Examples:
      dagf pods                             the pods of the local cluster
      dagf pods --orphans --env prod        only orphans, in the namespaces of prod
      dagf pods --context staging -A --json
    """
    if ctx.invoked_subcommand:
        given = [one for one in ctx.params if ctx.get_parameter_source(one) == ParameterSource.COMMANDLINE]
        if given:
            raise click.UsageError(f"write the options after `{ctx.invoked_subcommand}`")
        return 0
    from dag_factory.cli.commands.pods.connections import Where
    from dag_factory.cli.commands.pods.list_pods import list_pods

    return list_pods(Where(**where), orphans, wide, output_json)


@pods.command()
@where_options
@click.option("--yes", is_flag=True, help="Delete without asking.")
def reap(yes: bool, **where: Any) -> int:
    """Delete orphans, after asking.

    Before it deletes a pod, the command asks Airflow again, so that it never deletes the pod of a running try.

    \b
    Examples:
      dagf pods reap
      dagf pods reap --env prod --yes       without a question, for a scheduled job

    Exit code: 0 if no orphan is left, 1 if some are, 2 if nobody could tell.
    """
    from dag_factory.cli.commands.pods.connections import Where
    from dag_factory.cli.commands.pods.reap_pods import reap_pods

    return reap_pods(Where(**where), yes)
