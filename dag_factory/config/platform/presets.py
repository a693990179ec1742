"""Presets: named sets of job keys, which the platform team maintains in ``presets.yaml``.

The file is optional. An error in a preset affects only the jobs that name it.
"""

from __future__ import annotations

import msgspec

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem, errors
from dag_factory.config.source import documents
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Node, Scalar

FILE = "configs/platform/presets.yaml"
_SCHEMA = "presets.schema.json"


class Presets(msgspec.Struct, frozen=True):
    """The presets without errors, and the names of the others. ``readable`` is False if the file cannot be read."""

    table: dict[str, MapNode] = {}
    broken: frozenset[str] = frozenset()
    readable: bool = True


def read(platform: PlatformFiles) -> tuple[Presets, MapNode | None, tuple[Problem, ...]]:
    """Read the table: the presets, the tree of the file, and its problems."""
    document = documents.read(platform, FILE, _SCHEMA)
    if document is None:
        return Presets(), None, ()
    if document.node is None:
        return Presets(readable=False), None, document.problems
    entries = document.node.map("presets").entries
    table = {name: node for name, node in entries.items() if isinstance(node, MapNode)}
    paths = [problem.path for problem in errors(document.problems)]
    broken_paths = [path.removeprefix("presets.") for path in paths if path.startswith("presets.")]
    readable = not any(path in ("", "presets") for path in paths)
    found = {name for name in table for path in broken_paths if f"{path}.".startswith((f"{name}.", f"{name}["))}
    broken = frozenset({*found, *(path for path in broken_paths if path not in table)})
    usable = {name: node for name, node in table.items() if name not in found}
    return Presets(usable, broken, readable), document.node, document.problems


def preset_layers(
    job: MapNode, presets: Presets, context: Context, path: KeyPath
) -> tuple[list[MapNode], list[Problem]]:
    """The layers of the presets that a job names, low to high. ``path`` is the job's in its document."""
    layers: list[MapNode] = []
    problems: list[Problem] = []
    for index, item in enumerate(job.list("presets")):
        item_path = (*path, "presets", index)
        computed, failures = evaluate(item, context, item_path)
        if failures or not isinstance(computed, Scalar):
            continue  # reported once, with the whole job
        name = computed.text
        if name in presets.table:
            layers.append(presets.table[name])
        else:
            problems.append(_missing(item, name, presets, item_path))
    return layers, problems


def _missing(item: Node, name: str, presets: Presets, path: KeyPath) -> Problem:
    if name in presets.broken or not presets.readable:
        message = f"the preset `{name}` has errors"
        return Problem.at(item.position, path, "broken-preset", message, f"fix the errors in {FILE}")
    hint = did_you_mean(name, presets.table) if presets.table else f"define it in {FILE}"
    return Problem.at(item.position, path, "unknown-preset", f"unknown preset `{name}`", hint)
