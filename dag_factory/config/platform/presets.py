"""Presets: named pieces of a job, which the platform team keeps in ``presets.yaml``.

The file may be missing. A preset with a problem costs the jobs that name it, and no other.
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
    """The table: what can be laid, and the names of what cannot. ``readable`` False: nothing of it is known."""

    table: dict[str, MapNode] = {}
    broken: frozenset[str] = frozenset()
    readable: bool = True


def read(platform: PlatformFiles) -> tuple[Presets, MapNode | None, tuple[Problem, ...]]:
    """The table, the file's tree, and what is wrong in it."""
    document = documents.read(platform, FILE, _SCHEMA)
    if document is None:
        return Presets(), None, ()
    if document.node is None:
        return Presets(readable=False), None, document.problems
    entries = document.node.map("presets").entries
    table = {name: node for name, node in entries.items() if isinstance(node, MapNode)}
    paths = [problem.path for problem in errors(document.problems)]
    wrong = [path.removeprefix("presets.") for path in paths if path.startswith("presets.")]
    readable = not any(path in ("", "presets") for path in paths)
    found = {name for name in table for path in wrong if f"{path}.".startswith((f"{name}.", f"{name}["))}
    broken = frozenset({*found, *(path for path in wrong if path not in table)})
    usable = {name: node for name, node in table.items() if name not in found}
    return Presets(usable, broken, readable), document.node, document.problems


def preset_layers(
    job: MapNode, presets: Presets, context: Context, path: KeyPath
) -> tuple[list[MapNode], list[Problem]]:
    """The layers that ``presets`` of a job names, low to high. ``path`` is the job's in its document."""
    layers: list[MapNode] = []
    problems: list[Problem] = []
    for index, item in enumerate(job.list("presets")):
        where = (*path, "presets", index)
        computed, trouble = evaluate(item, context, where)
        if trouble or not isinstance(computed, Scalar):
            continue  # told once, with the whole job
        name = computed.text
        if name in presets.table:
            layers.append(presets.table[name])
        else:
            problems.append(_missing(item, name, presets, where))
    return layers, problems


def _missing(item: Node, name: str, presets: Presets, path: KeyPath) -> Problem:
    if name in presets.broken or not presets.readable:
        message = f"the preset `{name}` has a problem of its own"
        return Problem.at(item.position, path, "broken-preset", message, "see the problems of presets.yaml")
    hint = did_you_mean(name, presets.table) if presets.table else f"there is none yet; they would stand in {FILE}"
    return Problem.at(item.position, path, "unknown-preset", f"unknown preset `{name}`", hint)
