"""The ``dagf`` command: names, options and help of its subcommands. Their work is in ``commands``.

A command's module is imported when the command runs, so that ``--help`` and ``check`` start quickly.
"""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli import completion
from dag_factory.cli.groups.alerts import alerts
from dag_factory.cli.groups.cluster import cluster
from dag_factory.cli.groups.new import new
from dag_factory.cli.groups.pods import pods
from dag_factory.cli.groups.program import Program
from dag_factory.cli.options import (
    FILE,
    FOLDER,
    comma_separated,
    environment_option,
    environments_option,
    home_option,
    job_argument,
    json_option,
    key_value,
    pipeline_argument,
)

SECTIONS = {
    "Start": ("init", "new"),
    "Write pipelines": ("check", "graph", "flavors", "render", "explain", "plan", "schema"),
    "Run on this machine": ("run", "demo", "up", "down", "cluster"),
    "Operate": ("doctor", "pods", "alerts"),
    "Set up the shell": ("completion",),
}
"""The commands in the order in which a newcomer needs them, by the titles of their sections in the help."""


@click.group(
    cls=Program,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="dagwright", prog_name="dagf")
def main() -> None:
    """Build Airflow DAGs of Kubernetes pods from YAML pipelines.

    \b
    Examples:
      dagf init first && cd first    a new project, with a pipeline that runs on this machine
      dagf run                       run it
      dagf check                     find the errors in all files of the project

    Each command has its own help: dagf check --help
    """


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
@environments_option("Check this environment only.")
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

    Every environment is checked.

    \b
    Examples:
      dagf check                              all files
      dagf check configs/pipelines/growth     one folder
      dagf check --fix                        correct what has exactly one fix, such as a typing error
      dagf check --env prod --format json

    Exit code: 0 without errors, 1 with errors, 2 if the check could not run.
    """
    from dag_factory.cli.commands.check import check

    return check(paths, environments, home, output_format, fix)


@main.command()
@click.argument("base", required=False)
@click.argument("head", required=False)
@environments_option("Compare this environment only, or, with DEV..PROD, two environments of the files on disk.")
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
    Examples:
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

    \b
    Examples:
      dagf schema             write the schemas, and print the settings for an editor
      dagf schema --check     whether they are up to date, for CI

    Exit code: 0, 1 with --check if a schema is out of date, 2 if the schemas could not be written.
    """
    from dag_factory.cli.commands.schema import schema

    return schema(out, home, only_check)


@main.command()
@pipeline_argument
@environment_option("The environment.  [default: the first with the pipeline]")
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

    PIPELINE is the id of the DAG, such as ml.wine. The cells of a matrix are one entry.

    \b
    Examples:
      dagf graph ml.wine                     as text
      dagf graph ml.wine --format mermaid    as a flowchart for a page on GitHub

    Exit code: 0 with a graph, 1 if
    the pipeline has errors, 2 if there is no such pipeline.
    """
    from dag_factory.cli.commands.graph import graph

    return graph(pipeline, environment, home, output_format)


@main.command()
@pipeline_argument
@click.argument("words", nargs=-1, metavar="[JOB] [FIELD]", shell_complete=completion.jobs)
@environments_option("Show this environment only.")
@click.option("--blame", is_flag=True, help="Add the commit, author and date of each line, from git.")
@json_option
@home_option
def explain(
    pipeline: str, words: tuple[str, ...], environments: tuple[str, ...], blame: bool, as_json: bool, home: Path | None
) -> int:
    """Show where the values of a PIPELINE, of a JOB or of its pod come from.

    FIELD is a key, such as retries.retries or schedule, or a path in the pod of the job, such as
    spec.containers[base].resources.limits.memory. The chain has every layer that sets it, also the overridden ones, and
    the rules that change or bound it, in each environment. Without FIELD, all fields are listed. A single word that is
    not a job is a field of the pipeline.

    \b
    Examples:
      dagf explain ml.wine schedule                          a field of the pipeline
      dagf explain ml.wine train-forest resource_flavor      a field of a job
      dagf explain ml.wine train-forest --env prod --blame   all fields, with the commits of their lines

    Exit code: 0, 1 if the pipeline has errors in an environment, 2 if there is no
    such pipeline, job or field.
    """
    from dag_factory.cli.commands.explain import explain

    if len(words) > 2:
        raise click.UsageError("give at most a pipeline, a job and a field")
    return explain(pipeline, words, environments, home, as_json, blame)


@main.command()
@pipeline_argument
@job_argument
@environment_option("The environment.  [default: the first with the pipeline]")
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
    Examples:
      dagf render ml.wine                                  the DAG and all pods
      dagf render ml.wine train-forest --env prod          one pod
      dagf render ml.wine | kubectl create --dry-run=server -f -

    Exit code: 0 with pods, 1 if the pipeline has errors, 2 if there is no such pipeline or job.
    """
    from dag_factory.cli.commands.render import render

    return render(pipeline, job, environment, home, output_format)


@main.command()
@click.argument("flavor", required=False, shell_complete=completion.flavors)
@environments_option("Show this environment only.")
@json_option
@home_option
def flavors(flavor: str | None, environments: tuple[str, ...], as_json: bool, home: Path | None) -> int:
    """Show the flavors: sizes, price, pool and nodes; or one FLAVOR and the jobs that use it.

    \b
    Examples:
      dagf flavors                       all flavors in all environments
      dagf flavors cpu-small --env prod  one flavor, and the jobs that use it

    Exit code: 0 with flavors, 1 if the tables of an environment have errors, 2 if there is no such flavor.
    """
    from dag_factory.cli.commands.flavors import flavors

    return flavors(flavor, environments, home, as_json)


@main.command()
@click.argument("pipeline", required=False, shell_complete=completion.pipelines)
@job_argument
@click.option(
    "--param",
    "params",
    multiple=True,
    type=key_value,
    metavar="NAME=VALUE",
    help="A param of the run. Repeatable.",
    shell_complete=completion.params,
)
@click.option(
    "--from",
    "start",
    metavar="JOB",
    help="Run this job and all jobs that wait for it.",
    shell_complete=completion.jobs,
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    type=key_value,
    metavar="JOB=FILE",
    help="The JSON output of a job that does not run.  [default: its output in the last local run] Repeatable.",
)
@environment_option("The environment, one with `cluster.local`.  [default: DAG_FACTORY_ENV, or local]")
@click.option("--remote", is_flag=True, help="Allow an environment that is not local: its pods run in its own cluster.")
@click.option(
    "--keep/--no-keep", default=True, help="Leave Airflow ready for the next run, for 15 minutes, or stop it."
)
@home_option
def run(
    pipeline: str | None,
    job: str | None,
    params: tuple[tuple[str, str], ...],
    start: str | None,
    outputs: tuple[tuple[str, str], ...],
    environment: str | None,
    remote: bool,
    keep: bool,
    home: Path | None,
) -> int:
    """Run a PIPELINE, or one JOB of it, to its end on this machine.

    Without PIPELINE, runs the only pipeline of the project. Nothing has to be started before: the first run starts the
    local cluster and an Airflow of its own. The schedule does not matter, and no alerts are sent. Ctrl-C ends the run
    and deletes its pods.

    \b
    Examples:
      dagf run ml.wine                         the whole pipeline
      dagf run ml.wine --param rows=100        with a param
      dagf run ml.wine train-forest            one job, with the outputs of the last run
      dagf run ml.wine --from train-forest     this job and all jobs that wait for it

    Exit code: 0 if the run succeeded, 1 if it failed, 2 if it could not run, 130 if you interrupted it.
    """
    from dag_factory.cli.commands.run import Options, run

    return run(pipeline, job, home, Options(params, start, outputs, environment, remote, keep))


@main.command()
@click.argument("dag_id", default="ml.wine", shell_complete=completion.pipelines)
@home_option
def demo(dag_id: str, home: Path | None) -> int:
    """Run one pipeline to its end on this machine, then stop everything.

    By default, DAG_ID is ml.wine, the machine-learning example.

    \b
    Examples:
      dagf demo                  the machine-learning example
      dagf demo start.hello      the smallest example

    Exit code: 0 if every job succeeded, 1 if a job
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

    \b
    Examples:
      dagf up                  the UI is at http://127.0.0.1:8080
      dagf up --port 9090      another port

    Exit code: 0 if both run, 2 if they could not start.
    """
    from dag_factory.cli.commands.up import up

    return up(port, home)


@main.command()
@home_option
def down(home: Path | None) -> int:
    """Stop Airflow and the local cluster, also those that stay ready for `dagf run`.

    Runs, logs and volume claims are kept for the next start.

    \b
    Examples:
      dagf down
      dagf down --home ~/pipelines     those of another project

    Exit code: 0, also if nothing was running.
    """
    from dag_factory.cli.commands.down import down

    return down(home)


@main.command()
@environment_option("The environment, or `all`.  [default: DAG_FACTORY_ENV, or local]")
@click.option("--kubeconfig", type=FILE, help="The file with the cluster.  [default: from the Airflow connection]")
@click.option("--context", metavar="NAME", help="The context of the kubeconfig.  [default: the current one]")
@click.option(
    "--airflow",
    metavar="URL",
    help="The Airflow of the environment.  [default: DAG_FACTORY_AIRFLOW_URL, or that of `dagf up`]  A token is read "
    "from DAG_FACTORY_AIRFLOW_TOKEN.",
)
@json_option
@home_option
def doctor(
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    airflow: str | None,
    as_json: bool,
    home: Path | None,
) -> int:
    """Check the installation, the project, the cluster and Airflow, and say how to fix what fails.

    Looks whether the objects exist that pipelines name: service accounts, secrets, volume claims, pools, connections
    and others. What cannot be looked at is `unknown`, never `ok`. Changes nothing, and never reads what is in a secret.

    \b
    Examples:
      dagf doctor                              this machine and the local environment
      dagf doctor --env prod --context prod    the cluster of production
      dagf doctor --env all --json             all environments, for programs

    Exit code: 0 if no check failed, 1 if one failed, 2 if the checks could not run.
    """
    from dag_factory.cli.commands.doctor import Options, doctor

    return doctor(Options(home, environment, kubeconfig, context, airflow, as_json))


@main.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def show_completion(shell: str) -> int:
    """Print a program for SHELL that completes commands, options, environments, pipelines, jobs and flavors.

    \b
    Examples:
      eval "$(dagf completion bash)"     in ~/.bashrc
      eval "$(dagf completion zsh)"      in ~/.zshrc, below the line with compinit
      dagf completion fish > ~/.config/fish/completions/dagf.fish
    """
    from click.shell_completion import get_completion_class

    from dag_factory.cli import terminal

    found = get_completion_class(shell)
    assert found is not None
    terminal.write(found(main, {}, "dagf", "_DAGF_COMPLETE").source().rstrip("\n"))
    return 0


main.add_command(new)
main.add_command(pods)
main.add_command(alerts)
main.add_command(cluster)
