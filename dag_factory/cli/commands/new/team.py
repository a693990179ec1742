"""``dagf new team``: the defaults and limits of the pipelines in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dag_factory.cli.commands.new.answers import Answers
from dag_factory.cli.commands.new.finish import finish
from dag_factory.cli.commands.new.names import check_entry
from dag_factory.cli.find_home import find_home
from dag_factory.scaffold.additions.platform import new_team
from dag_factory.scaffold.additions.project_facts import TEAMS, entries, read_facts


def team(
    name: str | None,
    namespace: str | None,
    flavors: Sequence[str],
    owner: str | None,
    require: Sequence[str],
    home: Path | None,
) -> int:
    """Add a team to the table of the project."""
    root = find_home(home)
    answers = Answers(name)
    chosen = answers.required(
        name,
        "NAME",
        "Folder of the team in configs/pipelines/, such as growth",
        check_entry("teams.schema.json", "teams", entries(root, TEAMS, "teams")),
    )
    answers.complete()
    space = answers.optional(namespace, "Namespace of its pods; empty for the one of the environment")
    patterns = answers.optional(" ".join(flavors) or None, "Flavors it may use, such as cpu-*; empty for all")
    person = answers.optional(owner, "Owner of its pipelines; empty for none")
    required = tuple(require)
    return finish(root, new_team(read_facts(root), chosen, space, tuple(patterns.split()), person, required))
