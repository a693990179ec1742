"""``dagf new template``: the first version of a template."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli.commands.new.answers import Answers
from dag_factory.cli.commands.new.finish import finish
from dag_factory.cli.commands.new.names import check_file_name, check_known
from dag_factory.cli.find_home import find_home
from dag_factory.scaffold.additions.platform import new_template

KINDS = ("job", "pipeline")


def template(name: str | None, kind: str | None, description: str | None, home: Path | None) -> int:
    """Write a template into the project."""
    root = find_home(home)
    answers = Answers(name)
    chosen = answers.required(name, "NAME", "Name of the template, such as train", check_file_name("a template"))
    answers.complete()
    made = answers.optional(kind, "Of a job or of a pipeline", "job", check_known("kind", KINDS))
    text = answers.optional(description, "Description in one sentence", f"A {made} that says hello.")
    return finish(root, new_template(chosen, made, text))
