"""``dagf new``: write the first version of files that then belong to the project."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli.groups import Commands
from dag_factory.cli.options import home_option


@click.group(cls=Commands)
def new() -> None:
    """Write new files into a project. Existing files are never changed."""


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
@click.option("--tests", default="", metavar="COMMAND", help="The command that runs the project's tests.")
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
