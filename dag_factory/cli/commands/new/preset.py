"""``dagf new preset``: keys of jobs under one name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dag_factory.cli.commands.new.answers import Answers
from dag_factory.cli.commands.new.finish import finish
from dag_factory.cli.commands.new.names import check_entry
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.source import yaml_reader
from dag_factory.config.tree import MapNode, Node, to_python
from dag_factory.scaffold.additions.platform import new_preset
from dag_factory.scaffold.additions.project_facts import PRESETS, entries


def preset(name: str | None, pairs: Sequence[tuple[str, str]], home: Path | None) -> int:
    """Add a preset to the table of the project. ``pairs`` are keys of jobs with values in YAML."""
    root = find_home(home)
    answers = Answers(name, pairs or None)
    chosen = answers.required(
        name,
        "NAME",
        "Name of the preset, such as warehouse",
        check_entry("presets.schema.json", "presets", entries(root, PRESETS, "presets")),
    )
    keys = {key: _value(key, text) for key, text in pairs}
    if not keys:
        text = answers.required(
            None, "--set", "Keys of a job in YAML, such as {env: {STAGE: test}}", lambda text: _map(text)[1]
        )
        answers.complete()
        keys = dict(_map(text)[0])
    return finish(root, new_preset(chosen, {key: to_python(value) for key, value in keys.items()}))


def _value(key: str, text: str) -> Node:
    found, problems = yaml_reader.read(text, "--set")
    if problems or found is None:
        reason = problems[0].message if problems else "it has no value"
        raise CouldNotRun(f"the value of --set {key} is not valid YAML: {reason}")
    return found


def _map(text: str) -> tuple[dict[str, Node], str | None]:
    """The map in a text, or what is wrong with it."""
    found, problems = yaml_reader.read(text, "")
    if problems:
        return {}, f"not valid YAML: {problems[0].message}"
    if not isinstance(found, MapNode) or not found.entries:
        return {}, "not a map of keys, such as {env: {STAGE: test}}"
    return found.entries, None
