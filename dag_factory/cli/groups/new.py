"""``dagf new``: write the first version of files that then belong to the project."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli import completion
from dag_factory.cli.groups.program import Commands
from dag_factory.cli.options import home_option, key_value


@click.group(cls=Commands)
def new() -> None:
    """Write new files into a project, and new entries into its tables.

    Nothing that exists is changed, and the result passes `dagf check`. A command without its values asks for them on a
    terminal.

    \b
    Examples:
      dagf new pipeline                                     asks for all values
      dagf new flavor cpu-huge --cpu 32 --memory 128Gi
      dagf new ci github
    """


_name = click.argument("name", required=False)


@new.command()
@_name
@click.option(
    "--image", help="A folder in images/, made if it is missing, or the name of an image.  [default: by NAME]"
)
@click.option("--flavor", help="The size of its jobs.  [default: the first flavor]", shell_complete=completion.flavors)
@click.option("--description", help="What the pipeline does, in one sentence.")
@click.option("--owner", help="Who answers for it, such as a team.")
@click.option("--schedule", help="When it runs, such as '0 6 * * *'.  [default: started by hand]")
@home_option
def pipeline(
    name: str | None,
    image: str | None,
    flavor: str | None,
    description: str | None,
    owner: str | None,
    schedule: str | None,
    home: Path | None,
) -> int:
    """Write a pipeline with one job, and the folder of its code.

    NAME is the id of the DAG: growth.churn is the file configs/pipelines/growth/churn.yaml. Without NAME, the command
    asks for all values on a terminal.

    \b
    Examples:
      dagf new pipeline
      dagf new pipeline growth.churn --flavor cpu-small --owner growth
      dagf new pipeline growth.report --image registry.example.com/report:1.2 --schedule "0 6 * * *"

    Exit code: 0 if the files were written, 2 if one exists already or a value is wrong.
    """
    from dag_factory.cli.commands.new.pipeline import pipeline

    return pipeline(name, image, flavor, description, owner, schedule, home)


@new.command()
@_name
@click.option("--kind", type=click.Choice(["job", "pipeline"]), help="What it is a template of.  [default: job]")
@click.option("--description", help="What it is for, in one sentence.")
@home_option
def template(name: str | None, kind: str | None, description: str | None, home: Path | None) -> int:
    """Write the first version of a template.

    \b
    Examples:
      dagf new template
      dagf new template train --kind job --description "Trains one model."

    Exit code: 0 if the file was written, 2 if it exists already or a value is wrong.
    """
    from dag_factory.cli.commands.new.template import template

    return template(name, kind, description, home)


@new.command()
@_name
@click.option("--set", "pairs", multiple=True, type=key_value, metavar="KEY=YAML", help="A key of a job. Repeatable.")
@home_option
def preset(name: str | None, pairs: tuple[tuple[str, str], ...], home: Path | None) -> int:
    """Add a preset: keys of jobs under one name, in configs/platform/presets.yaml.

    \b
    Examples:
      dagf new preset
      dagf new preset warehouse --set 'env={DB_URL: {secret: warehouse/url}}' --set 'annotations={egress: warehouse}'

    Exit code: 0 if the preset was added, 2 if it exists already or a value is wrong.
    """
    from dag_factory.cli.commands.new.preset import preset

    return preset(name, pairs, home)


@new.command()
@_name
@click.option("--cpu", help="CPUs, such as 0.5 or 4.")
@click.option("--memory", help="Memory, such as 2Gi.")
@click.option("--gpu", type=click.IntRange(0), help="GPUs.  [default: none]")
@click.option("--pool", help="The Airflow pool of its jobs.  [default: none]", shell_complete=completion.pools)
@click.option(
    "--next", "next_flavor", help="The larger flavor after a job ran out of memory.", shell_complete=completion.flavors
)
@click.option("--cost-per-hour", "cost", type=float, help="The price of an hour, which Airflow shows with each job.")
@home_option
def flavor(
    name: str | None,
    cpu: str | None,
    memory: str | None,
    gpu: int | None,
    pool: str | None,
    next_flavor: str | None,
    cost: float | None,
    home: Path | None,
) -> int:
    """Add a flavor: a size that jobs can have, in configs/platform/flavors.yaml.

    \b
    Examples:
      dagf new flavor
      dagf new flavor cpu-huge --cpu 32 --memory 128Gi --cost-per-hour 1.7

    Exit code: 0 if the flavor was added, 2 if it exists already or a value is wrong.
    """
    from dag_factory.cli.commands.new.flavor import flavor

    return flavor(name, cpu, memory, gpu, pool, next_flavor, cost, home)


@new.command()
@_name
@click.option("--namespace", help="The Kubernetes namespace of its pods.")
@click.option("--connection", help="The Airflow connection of the cluster.  [default: kubernetes_default]")
@click.option("--in-cluster", is_flag=True, help="Airflow runs in the same cluster as its pods.")
@click.option(
    "--var",
    "pairs",
    multiple=True,
    type=key_value,
    metavar="KEY=VALUE",
    help="A variable. Repeatable.  [default: those of the other environments]",
)
@click.option(
    "--schedules",
    type=click.Choice(["run", "paused", "manual"]),
    help="What happens to the schedules of pipelines.  [default: run]",
)
@click.option("--timezone", help="The time zone of schedules, such as Europe/Berlin.  [default: UTC]")
@home_option
def environment(
    name: str | None,
    namespace: str | None,
    connection: str | None,
    in_cluster: bool,
    pairs: tuple[tuple[str, str], ...],
    schedules: str | None,
    timezone: str | None,
    home: Path | None,
) -> int:
    """Write an environment: the file of one Airflow deployment.

    \b
    Examples:
      dagf new environment
      dagf new environment prod --namespace ml-prod --in-cluster --var registry=registry.example.com/ml

    Exit code: 0 if the file was written, 2 if it exists already or a value is wrong.
    """
    from dag_factory.cli.commands.new.environment import environment

    if in_cluster and connection:
        raise click.UsageError("use either --connection or --in-cluster")
    return environment(name, namespace, connection, in_cluster, pairs, schedules, timezone, home)


@new.command()
@_name
@click.option("--namespace", help="The namespace of its pods.  [default: the one of the environment]")
@click.option("--flavors", multiple=True, metavar="PATTERN", help="Flavors it may use. Repeatable.  [default: all]")
@click.option("--owner", help="The owner of its pipelines, if they name none.")
@click.option("--require", multiple=True, metavar="KEY", help="A key that its pipelines must set. Repeatable.")
@home_option
def team(
    name: str | None,
    namespace: str | None,
    flavors: tuple[str, ...],
    owner: str | None,
    require: tuple[str, ...],
    home: Path | None,
) -> int:
    """Add a team: the defaults and limits of the pipelines in a folder, in configs/platform/teams.yaml.

    NAME is the folder below configs/pipelines/, such as growth.

    \b
    Examples:
      dagf new team
      dagf new team growth --namespace ml-growth --flavors "cpu-*" --require owner

    Exit code: 0 if the team was added, 2 if it exists already or a value is wrong.
    """
    from dag_factory.cli.commands.new.team import team

    return team(name, namespace, flavors, owner, require, home)


@new.command()
@click.argument("host", type=click.Choice(["github", "gitlab"]))
@click.option(
    "--deploy",
    type=click.Choice(["git-bundle", "sync", "image", "none"]),
    default="git-bundle",
    show_default=True,
    help="How a commit of the main branch gets to Airflow: move the branch that a git bundle follows, copy the files "
    "with rsync, push a container image, or not at all.",
)
@click.option("--branch", default="main", show_default=True, help="The main branch. GitLab knows its own.")
@click.option(
    "--install",
    metavar="REQUIREMENT",
    help="What CI gives to `pip install`, such as a git URL.  [default: the git URL that this dagf came from]",
)
@click.option(
    "--tests",
    default="",
    metavar="COMMAND",
    help="The command that runs the project's tests, such as `pytest tests`; docs/testing.md shows how to write them.",
)
@home_option
def ci(host: str, deploy: str, branch: str, install: str | None, tests: str, home: Path | None) -> int:
    """Write workflow files for CI: check, tests, plan as a comment, deploy.

    \b
    Examples:
      dagf new ci github
      dagf new ci gitlab --deploy sync --tests pytest

    Exit code: 0 if the files were written, 2 if a file exists already or something is missing.
    """
    from dag_factory.cli.commands.new_ci import new_ci

    return new_ci(host, deploy, branch, install, tests, home)
