"""Options that several commands share, and how the texts of options are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dag_factory.cli import completion

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)

home_option = click.option(
    "--home",
    type=FOLDER,
    help="The folder that contains configs/.  [default: DAG_FACTORY_HOME, or this folder or its nearest parent with "
    "configs/]",
)
state_option = click.option(
    "--state",
    type=FOLDER,
    help="The folder of the cluster.  [default: .dagf/cluster in the project, or in the current folder; to look at "
    "pods, also the running cluster of `dagf up`]",
)
pipeline_argument = click.argument("pipeline", shell_complete=completion.pipelines)
job_argument = click.argument("job", required=False, shell_complete=completion.jobs)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
namespace_option = click.option(
    "-n", "--namespace", default="default", show_default=True, help="The namespace of the object."
)


def environment_option(help_text: str) -> Callable[[F], F]:
    """Return the option ``--env``, which names one environment: the parameter ``environment``."""
    return click.option("--env", "environment", metavar="NAME", help=help_text, shell_complete=completion.environments)


def environments_option(help_text: str) -> Callable[[F], F]:
    """Return the repeatable option ``--env``: the parameter ``environments``, empty for all."""
    return click.option(
        "--env",
        "environments",
        multiple=True,
        metavar="NAME",
        help=f"{help_text} Repeatable.",
        shell_complete=completion.environments,
    )


def image_folder(text: str) -> tuple[str, Path]:
    """Read ``PATTERN=FOLDER``: images with a name of this pattern run from this folder."""
    pattern, equals, folder = text.rpartition("=")
    if not equals or not pattern:
        raise click.BadParameter(f"{text!r} is not PATTERN=FOLDER")
    if not Path(folder).is_dir():
        raise click.BadParameter(f"the folder {folder} does not exist")
    return pattern, Path(folder)


def comma_separated(text: str) -> tuple[str, ...]:
    """Read ``A,B``: names with commas, and spaces around them."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def key_value(text: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key, value


def fraction(text: str) -> float:
    """Read ``10%`` or ``0.1``."""
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise click.BadParameter(f"{text!r} is not a fraction such as 10% or 0.1")
    return number


def image_option(help_text: str) -> Callable[[F], F]:
    """Return the option ``--image`` with this help."""
    return click.option(
        "--image", "images", multiple=True, type=image_folder, metavar="PATTERN=FOLDER", help=f"{help_text} Repeatable."
    )
