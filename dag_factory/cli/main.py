"""The ``dagf`` command: names, options and help of its subcommands. Their work is in ``commands``.

A command's module is imported when the command runs, so that ``--help`` and ``check`` start quickly.
"""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli.alerts_group import alerts
from dag_factory.cli.cluster_group import cluster
from dag_factory.cli.groups import Program
from dag_factory.cli.new_group import new
from dag_factory.cli.options import FILE, FOLDER, comma_separated, home_option
from dag_factory.cli.pods_group import pods


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dagwright", prog_name="dagf")
def main() -> None:
    """Build Airflow DAGs of Kubernetes pods from YAML pipelines."""


@main.command()
@click.argument("folder", required=False, type=FOLDER)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    help="Also write workflow files for this host.  [default: the host of the git remote; github without one]",
)
@click.option(
    "--install",
    metavar="REQUIREMENT",
    help="What CI gives to `pip install`, such as a git URL.  [default: the git URL that this dagf came from; without "
    "one, no workflow files are written]",
)
def init(folder: Path | None, ci: str | None, install: str | None) -> int:
    """Write a new project into FOLDER, by default the current folder.

    The project has a pipeline that runs on this machine, its code, flavors, retry rules, one environment, the loader
    that Airflow parses, a README, and workflow files for CI. FOLDER may have files already, or be a part of a git
    repository. No file is changed. In a project that exists, only a missing loader, .gitignore, hooks and workflow
    files are written.

    \b
    Examples:
      dagf init                   the current folder
      dagf init pipelines         a new folder
      dagf init --ci gitlab --install 'dagwright @ git+https://git.example.com/dagwright@v1'

    Exit code: 0 if the project is complete, 2 if nothing was written.
    """
    from dag_factory.cli.commands.init import init

    return init(folder, ci, install)


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--env", "environments", multiple=True, metavar="NAME", help="Check this environment only. Repeatable.")
@home_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "line", "json", "github", "gitlab"]),
    default="text",
    show_default=True,
    help="The output: text for people, one line for each problem, JSON, annotations for GitHub Actions, or a code "
    "quality report for GitLab.",
)
@click.option("--fix", is_flag=True, help="Change the files where a problem has exactly one fix, and check again.")
def check(
    paths: tuple[Path, ...], environments: tuple[str, ...], home: Path | None, output_format: str, fix: bool
) -> int:
    """Report the problems in all configuration files, or only in PATHS.

    Every environment is checked. Exit code: 0 without errors, 1 with errors, 2 if the check could not run.
    """
    from dag_factory.cli.commands.check import check

    return check(paths, environments, home, output_format, fix)


@main.command()
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Compare this environment only. Repeatable. DEV..PROD compares two environments of the files on disk.",
)
@home_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="The output: text for people, JSON for programs, or Markdown for a comment in a pull request.",
)
@click.option("--json", "output_format", flag_value="json", help="The same as --format json.")
@click.option("--markdown", "output_format", flag_value="markdown", help="The same as --format markdown.")
@click.option(
    "--host",
    type=click.Choice(["github", "gitlab"]),
    default="github",
    show_default=True,
    help="Keep the Markdown under the size limit of this host: 65,536 or 1,000,000 characters.",
)
@click.option("--usage", type=FILE, help="A JSON file with the run times of jobs, to estimate the cost of 30 days.")
@click.option(
    "--fail-on",
    "risks",
    multiple=True,
    type=comma_separated,
    metavar="RISK,...",
    help="Exit with 1 if the plan has one of these risks. Repeatable. docs/plan.md lists them.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if any DAG changes.")
def plan(
    base: str | None,
    head: str | None,
    environments: tuple[str, ...],
    home: Path | None,
    output_format: str,
    host: str,
    usage: Path | None,
    risks: tuple[tuple[str, ...], ...],
    exit_code: bool,
) -> int:
    """Show what a change does: DAGs, jobs, pods, risks and costs, in every environment.

    Compares the commit BASE with the commit HEAD. Without HEAD, with the files on disk, also those that are not
    committed. Without BASE, with the commit at which this branch left the main branch.

    \b
    dagf plan                    what this branch does
    dagf plan HEAD               what the changes do that are not committed
    dagf plan v1.2 v1.3          what changed between two tags
    dagf plan --env dev..prod    how production differs from dev

    Exit code: 0 with or without changes, 1 with new errors, 2 if the plan could not be made. --fail-on and --exit-code
    add reasons for 1.
    """
    from dag_factory.cli.commands.plan import Gates, Request, plan

    request = Request(base, head, environments, home, usage)
    return plan(request, Gates(tuple(kind for kinds in risks for kind in kinds), exit_code), output_format, host)


@main.command()
@click.option("--out", type=FOLDER, help="The folder to write to.  [default: .dagf/schemas in the project]")
@home_option
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 if a schema is out of date.")
def schema(out: Path | None, home: Path | None, only_check: bool) -> int:
    """Write JSON Schemas for editors, with the names of this project.

    With them, editors complete flavors, pools, environments and templates, and job names in `depends_on`. Run the
    command again after you change the platform files or rename jobs.
    """
    from dag_factory.cli.commands.schema import schema

    return schema(out, home, only_check)


@main.command()
@click.argument("pipeline")
@click.option("--env", "environment", metavar="NAME", help="The environment.  [default: the first with the pipeline]")
@home_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "mermaid"]),
    default="text",
    show_default=True,
    help="The output: text, or a Mermaid flowchart for a page on GitHub or GitLab.",
)
def graph(pipeline: str, environment: str | None, home: Path | None, output_format: str) -> int:
    """Show the jobs of one PIPELINE and the order in which they run.

    PIPELINE is the id of the DAG, such as ml.wine. The cells of a matrix are one entry. Exit code: 0 with a graph, 1 if
    the pipeline has errors, 2 if there is no such pipeline.
    """
    from dag_factory.cli.commands.graph import graph

    return graph(pipeline, environment, home, output_format)


@main.command()
@click.argument("pipeline")
@click.argument("words", nargs=-1, metavar="[JOB] [FIELD]")
@click.option("--env", "environments", multiple=True, metavar="NAME", help="Show this environment only. Repeatable.")
@click.option("--blame", is_flag=True, help="Add the commit, author and date of each line, from git.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@home_option
def explain(
    pipeline: str, words: tuple[str, ...], environments: tuple[str, ...], blame: bool, as_json: bool, home: Path | None
) -> int:
    """Show where the values of a PIPELINE, of a JOB or of its pod come from.

    FIELD is a key, such as retries.retries or schedule, or a path in the pod of the job, such as
    spec.containers[base].resources.limits.memory. The chain has every layer that sets it, also the overridden ones, and
    the rules that change or bound it, in each environment. Without FIELD, all fields are listed. A single word that is
    not a job is a field of the pipeline. Exit code: 0, 1 if the pipeline has errors in an environment, 2 if there is no
    such pipeline, job or field.
    """
    from dag_factory.cli.commands.explain import explain

    if len(words) > 2:
        raise click.UsageError("give at most a pipeline, a job and a field")
    return explain(pipeline, words, environments, home, as_json, blame)


@main.command()
@click.argument("pipeline")
@click.argument("job", required=False)
@click.option("--env", "environment", metavar="NAME", help="The environment.  [default: the first with the pipeline]")
@home_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="The output: YAML that kubectl reads, with the DAG as a comment, or JSON for programs.",
)
@click.option("--json", "output_format", flag_value="json", help="The same as --format json.")
def render(pipeline: str, job: str | None, environment: str | None, home: Path | None, output_format: str) -> int:
    """Print the pods of one PIPELINE as Kubernetes YAML, and its DAG; or only the pod of one JOB.

    The pods are as Airflow sends them for the first try, with templates {{ }} not rendered. The name of a matrix
    stands for all of its cells.

    \b
    dagf render ml.wine                                  the DAG and all pods
    dagf render ml.wine train-forest --env prod          one pod
    dagf render ml.wine | kubectl create --dry-run=server -f -

    Exit code: 0 with pods, 1 if the pipeline has errors, 2 if there is no such pipeline or job.
    """
    from dag_factory.cli.commands.render import render

    return render(pipeline, job, environment, home, output_format)


@main.command()
@click.argument("flavor", required=False)
@click.option("--env", "environments", multiple=True, metavar="NAME", help="Show this environment only. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@home_option
def flavors(flavor: str | None, environments: tuple[str, ...], as_json: bool, home: Path | None) -> int:
    """Show the flavors: sizes, price, pool and nodes; or one FLAVOR and the jobs that use it.

    Exit code: 0 with flavors, 1 if the tables of an environment have errors, 2 if there is no such flavor.
    """
    from dag_factory.cli.commands.flavors import flavors

    return flavors(flavor, environments, home, as_json)


@main.command()
@click.argument("dag_id", default="ml.wine")
@home_option
def demo(dag_id: str, home: Path | None) -> int:
    """Run one pipeline to its end on this machine, then stop everything.

    By default, DAG_ID is ml.wine, the machine-learning example. Exit code: 0 if every job succeeded, 1 if a job
    failed, 2 if the demo could not run.
    """
    from dag_factory.cli.commands.demo import demo

    return demo(dag_id, home)


@main.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="The port of the Airflow UI."
)
@home_option
def up(port: int, home: Path | None) -> int:
    """Start the local cluster and Airflow, and leave them running.

    The Airflow UI needs no login and listens on this machine's loopback address only.
    """
    from dag_factory.cli.commands.up import up

    return up(port, home)


@main.command()
@home_option
def down(home: Path | None) -> int:
    """Stop Airflow and the local cluster.

    Runs, logs and volume claims are kept for the next start.
    """
    from dag_factory.cli.commands.down import down

    return down(home)


main.add_command(new)
main.add_command(pods)
main.add_command(alerts)
main.add_command(cluster)
