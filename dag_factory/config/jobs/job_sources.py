"""The jobs that a pipeline defines, one for each cell of a matrix, before they are compiled."""

from __future__ import annotations

from collections.abc import Iterator, Set
from collections.abc import Mapping as MappingT

from dag_factory.config.ids import JobName
from dag_factory.config.jobs import matrix
from dag_factory.config.jobs.job_layers import JobSource, merge_layers
from dag_factory.config.jobs.matrix import Cell
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.positions import dotted
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Node, as_map, entries_of, is_set, key_position, map_node, without
from dag_factory.settings import BOUNDS

Cells = dict[str, "list[Cell] | None"]
"""The cells of each job: None without a matrix, empty if the matrix has errors."""


def find_jobs(document: MapNode, scope: Scope, removed: Set[str]) -> list[JobSource]:
    """All jobs of a pipeline in the order of the file; empty if they cannot be compiled.

    ``removed`` are the paths of the values that were removed for an error.
    """
    jobs = None if "jobs" in removed else _jobs(document, scope)
    if jobs is None:
        return []
    cells = {name: _cells(name, node, scope, removed) for name, node in jobs.entries.items()}
    count = sum(1 if found is None else len(found) for found in cells.values())
    if count > BOUNDS.jobs:
        message = f"the pipeline has {count:,} jobs; at most {BOUNDS.jobs:,} are allowed"
        scope.error("too-many-jobs", message, "split it into several pipelines", jobs.position, "jobs")
        return []
    for name, problem in list(_duplicate_names(jobs, cells)):
        scope.report([problem])
        cells[name] = []
    layers = [scope.tables.environment_job_layer, scope.tables.job_defaults, document.get("defaults")]
    return list(_sources(jobs, cells, merge_layers(layers)))


def _jobs(document: MapNode, scope: Scope) -> MapNode | None:
    """The map of jobs. A pipeline without it has the single job `main`, if its defaults set an image."""
    jobs = document.get("jobs")
    if entries_of(jobs):
        assert isinstance(jobs, MapNode)
        return jobs
    if is_set(jobs) or "docker_image" not in entries_of(document.get("defaults")):
        hint = "add `jobs:`, or set `docker_image` under `defaults` for a pipeline with a single job"
        if is_set(jobs):
            scope.error("no-jobs", "the pipeline has no jobs", hint, jobs.position, "jobs")
        else:
            scope.error("no-jobs", "the pipeline has no jobs", hint, document.position)
        return None
    position = document.position
    return map_node({"main": map_node({}, {}, position)}, {"main": position}, position)


def _cells(name: str, job: Node, scope: Scope, removed: Set[str]) -> list[Cell] | None:
    node = as_map(job).get("matrix")
    if not isinstance(node, MapNode):
        return None
    if removed and _is_incomplete(name, scope.tables.environment, removed):
        return []
    return scope.value(matrix.make_cells(name, node, scope.context, ("jobs", name, "matrix")))


def _is_incomplete(name: str, environment: str, removed: Set[str]) -> bool:
    """Whether a part of a job's matrix was removed, in the file or in its values for the environment."""
    path = dotted(("jobs", name, "matrix", ""))
    return any(one.startswith((path, f"environments.{environment}.{path}")) for one in removed)


def _duplicate_names(jobs: MapNode, cells: Cells) -> Iterator[tuple[str, Problem]]:
    """Jobs with a cell that has the name of another job or of another job's cell."""
    used = dict.fromkeys(jobs.entries, "another job")
    for name, found in cells.items():
        for cell in found or ():
            if cell.name in used and cell.name != name:
                position = key_position(jobs.entries[name], "matrix") or jobs.keys[name]
                message = f"a cell of the matrix has the name `{cell.name}`, which {used[cell.name]} also has"
                hint = "set other cell names with `name:`"
                yield name, Problem.at(position, ("jobs", name, "matrix"), "cell-name-taken", message, hint)
            used.setdefault(cell.name, f"a cell of `{name}`")


def _sources(jobs: MapNode, cells: MappingT[str, list[Cell] | None], base: MapNode) -> Iterator[JobSource]:
    for key, node in jobs.entries.items():
        name, found, position = JobName(key), cells[key], jobs.keys[key]
        if found is None:
            yield JobSource(name, node, position, base)
            continue
        assert isinstance(node, MapNode)
        own = without(node, "matrix")
        if not found:
            yield JobSource(name, own, position, base, broken=True)
        for cell in found:
            yield JobSource(name, own, position, base, cell)
