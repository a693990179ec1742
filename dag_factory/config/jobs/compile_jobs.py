"""The jobs of a pipeline as one: the cells of matrices made, each compiled, all held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingT
from collections.abc import Sequence as SequenceT
from functools import cache, partial
from typing import Any

import msgspec

from dag_factory.config import budget, loader_work
from dag_factory.config.expressions import run_time
from dag_factory.config.jobs import for_each, graph, groups, mapped_groups, matrix, script_text, teardowns
from dag_factory.config.jobs.compile_job import CompiledJob, compile_job, merge_layers, uncompiled
from dag_factory.config.model import ForEach
from dag_factory.config.platform.tables import Tables
from dag_factory.config.problems import Problem, errors, until_many
from dag_factory.config.schema.annotations import shape
from dag_factory.config.tree import (
    MapNode,
    Node,
    as_map,
    count_maps,
    count_values,
    entries_of,
    from_python,
    is_set,
    key_position,
    map_node,
    text_of,
    to_python,
    without,
)
from dag_factory.settings import BOUNDS

MUCH_WORK = f"the file exceeds the limit of {BOUNDS.file_work:,} units of work for Airflow"


def compile_jobs(
    document: MapNode, header: MapNode, tables: Tables, context: dict[str, Any], before: SequenceT[Problem]
) -> tuple[list[CompiledJob], list[Problem]]:
    """Every job of a pipeline in order, and what is wrong with them.

    ``document`` is the pipeline with all of its layers, ``header`` what it says beside its jobs; ``before`` are
    the problems found in it so far: what was wrong was taken out, and nobody is blamed for missing it.
    """
    problems: list[Problem] = []
    compiled = _bounded(_compiled(document, tables, context, before, problems), problems)
    if compiled is None:
        return [], problems
    wrong = {problem.path.split("[")[0].rpartition(".")[2] for problem in before}
    called = graph.names(compiled)
    found = graph.edges(compiled, called)
    lists = mapped_groups.mapped(header.get("groups"), compiled)
    mapped_groups.wait_for_lists(found, called, lists)
    problems += until_many(graph.check(found, called))
    taken_down = teardowns.setups(compiled, called)
    problems += teardowns.check(compiled, found, called, taken_down)
    teardowns.wait_for_users(compiled, found, taken_down)
    problems += mapped_groups.check(header.get("groups"), compiled, lists)
    problems += groups.check({job.name: (job.written, job.node) for job in compiled}, frozenset(called.tasks))
    problems += until_many(_templates(compiled, header, tables.templates_read, called, found, wrong, lists))
    models = mapped_groups.models(header.get("groups"))
    inside = {task for group in lists.values() for task in group.tasks}
    wired = (_wired(job, found[job.name], taken_down.get(job.name, ())) for job in compiled)
    return [_placed(job, models, inside) for job in wired] if lists else list(wired), problems


def _bounded(jobs: Iterable[CompiledJob], problems: list[Problem]) -> list[CompiledJob] | None:
    """The jobs, what is wrong with them added to ``problems``; None as soon as they make too much of either."""
    compiled = []
    for job in jobs:
        compiled.append(job)
        problems += job.problems
        if not (budget.spend(count_values(job.node)) and budget.spend_maps(count_maps(job.node))):
            message = (
                "with all that is laid under its jobs, the file makes "
                f"more than {BOUNDS.merged_values:,} values, or {BOUNDS.merged_maps:,} maps"
            )
            hint = "say less in what many jobs share, or divide the file"
            problems.append(Problem.at(job.position, ("jobs", job.written), "too-many-values", message, hint))
            return None
        if job.job and not budget.spend_dag_work(loader_work.of_job(job.job)):
            hint = "divide the file, or give its jobs fewer volumes and secrets: a volume counts 200, a job 700"
            problems.append(Problem.at(job.position, ("jobs", job.written), "too-much-work", MUCH_WORK, hint))
            return None
        if job.problems and len(set(errors(problems))) > BOUNDS.problems_per_file:
            return None
    return compiled


def cells(compiled: SequenceT[CompiledJob]) -> dict[str, tuple[str, ...]]:
    """The jobs that each matrix makes, by the name of the job that has it."""
    found: dict[str, tuple[str, ...]] = {}
    for one in compiled:
        if one.job and one.job.matrix:
            found[one.written] = (*found.get(one.written, ()), one.name)
    return found


def _compiled(
    document: MapNode,
    tables: Tables,
    context: dict[str, Any],
    before: SequenceT[Problem],
    problems: list[Problem],
) -> Iterator[CompiledJob]:
    defaults = document.get("defaults")
    written = document.get("jobs")
    if any(problem.path == "jobs" for problem in before):  # they were taken out: told already
        return
    if not entries_of(written):
        if is_set(written) or "docker_image" not in entries_of(defaults):
            hint = "add `jobs:`, or name a `docker_image` under `defaults` for a pipeline of one job"
            position, path = (written.position, ("jobs",)) if is_set(written) else (document.position, ())
            problems.append(Problem.at(position, path, "no-jobs", "the pipeline has no jobs", hint))
            return
        written = map_node(
            {"main": map_node({}, {}, document.position)}, {"main": document.position}, document.position
        )
    assert isinstance(written, MapNode)
    made = {name: _cells(name, node, context, problems) for name, node in written.entries.items()}
    count = sum(len(found) if found is not None else 1 for found in made.values())
    if count > BOUNDS.jobs:
        message = f"the pipeline has {count:,} jobs, more than {BOUNDS.jobs:,}"
        problems.append(
            Problem.at(written.position, ("jobs",), "too-many-jobs", message, "divide it into several pipelines")
        )
        return
    for name, problem in _taken(written, made):
        problems.append(problem)
        made[name] = []
    sound = not errors(before)
    base = merge_layers([tables.built_in, tables.job_defaults, defaults])
    for name, node in written.entries.items():
        found, position = made[name], written.keys[name]
        if found is None:
            yield compile_job(name, node, position, base, tables, context, sound)
            continue
        assert isinstance(node, MapNode)
        own = without(node, "matrix")
        if not found:
            yield uncompiled(name, own, position, base)
        for cell in found:
            yield compile_job(name, own, position, base, tables, context, sound, cell)


def _cells(name: str, node: Node, context: dict[str, Any], problems: list[Problem]) -> list[matrix.Cell] | None:
    """The cells of a job with a matrix, none where the matrix is wrong; None for a job without one."""
    said = as_map(node).get("matrix")
    if not isinstance(said, MapNode):
        return None
    found, trouble = matrix.cells(name, said, context, ("jobs", name, "matrix"))
    problems += trouble
    return found


def _taken(written: MapNode, made: dict[str, list[matrix.Cell] | None]) -> list[tuple[str, Problem]]:
    """Jobs with cells that are called like another job, or like a cell of another."""
    problems = []
    taken = dict.fromkeys(written.entries, "another job")
    for name, found in made.items():
        for cell in found or ():
            if cell.name in taken and cell.name != name:
                position = key_position(written.entries[name], "matrix") or written.keys[name]
                message = f"a cell of the matrix is called `{cell.name}`, as {taken[cell.name]} is"
                hint = "give its cells other names with `name:`"
                problem = Problem.at(position, ("jobs", name, "matrix"), "cell-name-taken", message, hint)
                problems.append((name, problem))
            taken.setdefault(cell.name, f"a cell of `{name}`")
    return problems


def _templates(
    compiled: SequenceT[CompiledJob],
    header: MapNode,
    reads: frozenset[str],
    called: graph.Names,
    found: graph.Edges,
    wrong: set[str],
    lists: MappingT[str, mapped_groups.MappedGroup],
) -> Iterator[Problem]:
    """What every job reads of other jobs, of the pipeline and (``reads``) of Airflow: in templates, as a list."""
    every = frozenset(found)
    with_output = (
        every if "output" in wrong else frozenset(job.name for job in compiled if "output" in job.node.entries)
    )
    params = frozenset(header.map("params").entries)
    texts = script_text.free_text(header.get("params"))
    prefix = header.get("params_env")
    prefix_text = text_of(prefix) or ""
    schedule = header.get("schedule")
    dateless = not is_set(schedule) or "assets" in entries_of(schedule)
    job_shape = shape("job.schema.json", "/$defs/job")
    matrices = {name for name, tasks in called.tasks.items() if name not in called.written or len(tasks) > 1}
    inside = {task for group in lists.values() for task in group.tasks}
    for group in lists.values():
        yield from for_each.check_source(group.node, group.place, called.tasks, matrices, with_output)
        yield from for_each.check_param(group.node, group.place, header.get("params"))
        first = group.tasks[0] if group.tasks else group.path
        before = cache(partial(graph.upstream, found, first))
        scope = run_time.Scope(first, before, called.tasks, with_output, params, dateless, reads, True)
        yield from run_time.check(group.node, job_shape.child("for_each"), scope, group.place)
    for job in compiled:
        path = ("jobs", job.written)
        each = job.node.get("for_each")
        yield from for_each.check_source(each, (*path, "for_each"), called.tasks, matrices, with_output)
        if each is not None:
            yield from for_each.check_param(each, (*path, "for_each"), header.get("params"))
        upstream = (lambda: every) if "depends_on" in wrong else cache(partial(graph.upstream, found, job.name))
        has_item = job.name in inside or is_set(each)
        scope = run_time.Scope(job.written, upstream, called.tasks, with_output, params, dateless, reads, has_item)
        yield from run_time.check(job.node, job_shape, scope, path)
        yield from script_text.check(job.node, texts, prefix_text, path)


def _placed(job: CompiledJob, lists: dict[str, ForEach], inside: set[str]) -> CompiledJob:
    """The job with what the list of its group, or of the one that it runs over, adds to it."""
    return msgspec.structs.replace(job, job=mapped_groups.placed(job.job, lists, inside)) if job.job else job


def _wired(job: CompiledJob, waits_for: dict[str, graph.Edge], teardown_of: tuple[str, ...]) -> CompiledJob:
    """The job with the tasks that it waits for in place of the names that it says."""
    tasks = list(waits_for)
    said = job.node.get("depends_on")
    node = job.node
    if tasks and (said is None or to_python(said) != tasks):
        position = said.position if said is not None else next(iter(waits_for.values())).position
        node = map_node({**node.entries, "depends_on": from_python(tasks, position)}, node.keys, node.position)
    model = msgspec.structs.replace(job.job, depends_on=tuple(tasks), teardown_of=teardown_of) if job.job else None
    return msgspec.structs.replace(job, node=node, job=model)
