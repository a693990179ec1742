"""One job: its layers merged, its expressions computed, held against the schema, turned into a model."""

from __future__ import annotations

from collections.abc import Sequence as SequenceT
from dataclasses import dataclass
from typing import Any

from dag_factory.config import documents, pods
from dag_factory.config.ceilings import over_ceiling
from dag_factory.config.expressions import Context, evaluate
from dag_factory.config.flavors import FlavorEntry
from dag_factory.config.layers import merge
from dag_factory.config.model import Job
from dag_factory.config.places import Mark, Path
from dag_factory.config.problems import Problem
from dag_factory.config.shapes import shape
from dag_factory.config.tables import Tables
from dag_factory.config.tree import Mapping, Node, Scalar, from_plain, is_set, mapping
from dag_factory.config.wording import did_you_mean

_JOB = ("job.schema.json", "/$defs/job")
_COMMAND_LINE = ("command", "args")


@dataclass(frozen=True)
class Compiled:
    """A job's model (None where problems forbid it) and the resolved text behind it."""

    name: str
    mark: Mark
    node: Mapping
    job: Job | None
    problems: tuple[Problem, ...]


def compile_job(name: str, own: Node, mark: Mark, defaults: Node | None, tables: Tables, context: Context) -> Compiled:
    """Everything that is said of one job, in one model.

    ``own`` is what the pipeline's ``jobs`` say of it, ``defaults`` what the pipeline says of all, both
    valid as written; ``mark`` is the job's name in the file. Problems that the parts had before are the
    caller's.
    """
    path: Path = ("jobs", name)
    context = {**context, "job": {"name": name}}
    base = _lay([_built_in(tables, mark), tables.job_defaults, defaults])
    entry, problems = _flavor(_lay([base, own]), tables, context, mark, path)
    layers = [base, entry.layer if entry else None, own]
    computed, trouble = documents.computed(_lay(layers), context, *_JOB, path=path)
    problems += trouble
    image = computed.entries.get("docker_image")
    if not is_set(image):
        hint = "name it at the job or under `defaults`"
        problems.append(Problem.at(mark, path, "missing-key", f"the job `{name}` has no `docker_image`", hint))
    problems += _pool(computed, tables, path)
    job = None
    if entry and is_set(image) and not problems:
        job = pods.job(name, entry.flavor, computed)
    return Compiled(name, mark, computed, job, tuple(problems))


def _built_in(tables: Tables, mark: Mark) -> Mapping:
    said: dict[str, Any] = {"image_pull_policy": tables.pull_policy} if tables.pull_policy else {}
    built_in = from_plain(said, mark)
    assert isinstance(built_in, Mapping)
    return built_in


def _lay(layers: SequenceT[Node | None]) -> Mapping:
    """The layers merged, low to high. A ``script`` ends a lower command line, and the other way round."""
    merged: Node | None = None
    for layer in layers:
        if isinstance(merged, Mapping) and isinstance(layer, Mapping):
            merged = _one_command_line(merged, layer)
        merged = merge(merged, layer, shape(*_JOB))
    return merged if isinstance(merged, Mapping) else mapping({}, {}, Mark(""))


def _one_command_line(low: Mapping, high: Mapping) -> Mapping:
    if is_set(high.entries.get("script")):
        ended: tuple[str, ...] = _COMMAND_LINE
    elif any(is_set(high.entries.get(key)) for key in _COMMAND_LINE):
        ended = ("script",)
    else:
        return low
    if not any(key in low.entries for key in ended):
        return low
    return mapping({key: node for key, node in low.entries.items() if key not in ended}, low.keys, low.mark)


def _flavor(
    merged: Mapping, tables: Tables, context: Context, mark: Mark, path: Path
) -> tuple[FlavorEntry | None, list[Problem]]:
    """The flavor that a job names, after the environment's replacements, under the environment's ceiling."""
    written = merged.entries.get("resource_flavor")
    path = (*path, "resource_flavor")
    if not isinstance(written, Scalar) or written.value is None:
        hint = did_you_mean("", tables.flavors)
        return None, [Problem.at(mark, path, "missing-key", f"the job `{path[1]}` has no `resource_flavor`", hint)]
    computed, trouble = evaluate(written, context, path)
    if trouble:
        return None, []  # told once, with the whole job
    name = computed.text if isinstance(computed, Scalar) else ""
    if name in tables.broken_flavors:
        message = f"the flavor `{name}` has a problem of its own"
        return None, [Problem.at(written.mark, path, "broken-flavor", message, "see the problems of flavors.yaml")]
    name = tables.replace.get(name, name)
    entry = tables.flavors.get(name)
    if entry is None:
        message = f"unknown flavor `{name}`"
        return None, [Problem.at(written.mark, path, "unknown-flavor", message, did_you_mean(name, tables.flavors))]
    return entry, over_ceiling(entry.flavor, tables, written.mark, path)


def _pool(computed: Mapping, tables: Tables, path: Path) -> list[Problem]:
    pool = computed.entries.get("pool")
    known = (*tables.pools, "default_pool")
    if not isinstance(pool, Scalar) or pool.value is None or pool.text in known:
        return []
    return [
        Problem.at(
            pool.mark, (*path, "pool"), "unknown-pool", f"unknown pool `{pool.text}`", did_you_mean(pool.text, known)
        )
    ]
