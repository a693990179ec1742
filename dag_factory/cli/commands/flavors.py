"""``dagf flavors``: the sizes that jobs can have, what they cost, and who uses them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from dag_factory.cli import terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.suggestions import did_you_mean
from dag_factory.overview.compiled import open_environments
from dag_factory.overview.flavor_table import describe_flavor, list_flavors
from dag_factory.overview.flavors import EnvironmentFlavors, read_flavors


def flavors(name: str | None, environments: Sequence[str], home: Path | None, as_json: bool) -> int:
    """Print all flavors in some environments (all if empty), or one flavor with its jobs."""
    projects = open_environments(find_home(home), environments)
    found = [read_flavors(project) for project in projects]
    if name is not None:
        known = {flavor.name for one in found for flavor in one.flavors} | {
            old for one in found for old in one.replaced
        }
        if name not in known:
            hint = did_you_mean(name, known) or "the project has no flavors"
            raise CouldNotRun(f"unknown flavor `{name}`; {hint}")
        found = [_only(name, one) for one in found]
    if as_json:
        terminal.write(msgspec.json.format(msgspec.json.encode({"environments": found})).decode())
    else:
        terminal.write(list_flavors(found) if name is None else describe_flavor(name, found))
    broken = [project.environment for project in projects if project.tables.broken]
    if broken:
        terminal.note(f"The tables of {', '.join(broken)} have errors. Run `dagf check`.")
        return 1
    return 0


def _only(name: str, one: EnvironmentFlavors) -> EnvironmentFlavors:
    return msgspec.structs.replace(one, flavors=tuple(flavor for flavor in one.flavors if flavor.name == name))
