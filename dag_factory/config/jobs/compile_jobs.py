"""All jobs of a pipeline: find them, compile each one, connect them, and check their references to each other."""

from __future__ import annotations

from collections.abc import Mapping as MappingT
from collections.abc import Set

import msgspec

from dag_factory.config import budget, loader_work
from dag_factory.config.ids import TaskId
from dag_factory.config.jobs import graph, groups, mapped_groups, teardowns
from dag_factory.config.jobs.checks import run_time_references
from dag_factory.config.jobs.compile_job import CompiledJob, compile_job, compile_name
from dag_factory.config.jobs.graph import Edge
from dag_factory.config.jobs.job_sources import find_jobs
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.problems import errors, up_to_limit
from dag_factory.config.tree import MapNode, count_maps, count_values, from_python, map_node, to_python
from dag_factory.settings import BOUNDS

MUCH_WORK = f"the file exceeds the limit of {BOUNDS.file_work:,} units of work for Airflow"


def compile_jobs(document: MapNode, header: MapNode, pipeline: Scope) -> list[CompiledJob]:
    """The jobs of a pipeline in the order of the file; empty if they exceed a limit of the file.

    ``document`` is the pipeline with all of its layers, ``header`` its other keys. Both are without the values whose
    errors ``pipeline`` already holds; references to those values are not reported.
    """
    scope = msgspec.structs.replace(pipeline, problems=[])  # the number of these is limited
    compiled = _compile_each(document, scope, pipeline)
    removed = {problem.path.split("[")[0].rpartition(".")[2] for problem in pipeline.problems}
    jobs = [] if compiled is None else _connect(compiled, header, scope, removed)
    pipeline.report(scope.problems)
    return jobs


def _compile_each(document: MapNode, scope: Scope, pipeline: Scope) -> list[CompiledJob] | None:
    """The jobs, not connected yet; None as soon as they exceed a limit of the file."""
    removed = frozenset(problem.path for problem in errors(pipeline.problems))
    build = pipeline.has_no_errors
    compiled = []
    for source in find_jobs(document, scope, removed):
        job = compile_name(source) if source.broken else compile_job(source, scope, build)
        compiled.append(job)
        scope.report(job.problems)
        if not _within_limits(job, scope):
            return None
    return compiled


def _within_limits(job: CompiledJob, scope: Scope) -> bool:
    """Whether the next job may be compiled. Reports the limit that this one exceeds; errors need no report."""
    path = ("jobs", job.source_name)
    if not (budget.spend(count_values(job.node)) and budget.spend_maps(count_maps(job.node))):
        message = (
            "with all layers merged into its jobs, the file has "
            f"more than {BOUNDS.merged_values:,} values or {BOUNDS.merged_maps:,} maps"
        )
        hint = "move less into `defaults`, or split the file"
        scope.error("too-many-values", message, hint, job.position, *path)
        return False
    if job.job and not budget.spend_dag_work(loader_work.of_job(job.job)):
        hint = "split the file, or use fewer volumes and secrets; a volume counts 200 units, a job 700"
        scope.error("too-much-work", MUCH_WORK, hint, job.position, *path)
        return False
    return not job.problems or len(set(errors(scope.problems))) <= BOUNDS.problems_per_file


def _connect(compiled: list[CompiledJob], header: MapNode, scope: Scope, removed: Set[str]) -> list[CompiledJob]:
    """The jobs with the tasks that they wait for, and with the lists of their groups."""
    groups_node = header.get("groups")
    jobs = graph.connect(compiled)
    lists = mapped_groups.find_mapped_groups(groups_node, compiled)
    mapped_groups.wait_for_lists(jobs, lists)
    scope.report(up_to_limit(graph.check(jobs)))
    setups = teardowns.find_setups(jobs)
    scope.report(teardowns.check(jobs, setups))
    teardowns.wait_for_users(jobs, setups)
    scope.report(mapped_groups.check(groups_node, compiled, lists))
    scope.report(groups.check(jobs))
    scope.report(up_to_limit(run_time_references.check(jobs, lists, header, scope.tables.run_time_names, removed)))
    connected = [_with_dependencies(job, jobs.edges[job.name], setups.get(job.name, ())) for job in compiled]
    if not lists:
        return connected
    models = mapped_groups.read_lists(groups_node)
    with_item = {task for group in lists.values() for task in group.tasks}
    return [
        msgspec.structs.replace(one, job=mapped_groups.with_group_list(one.job, models, with_item)) if one.job else one
        for one in connected
    ]


def _with_dependencies(
    job: CompiledJob, waits_for: MappingT[TaskId, Edge], teardown_of: tuple[TaskId, ...]
) -> CompiledJob:
    """The job with the tasks that it waits for in place of the names in its file."""
    tasks = list(waits_for)
    names = job.node.get("depends_on")
    node = job.node
    if tasks and (names is None or to_python(names) != tasks):
        position = names.position if names is not None else next(iter(waits_for.values())).position
        node = map_node({**node.entries, "depends_on": from_python(tasks, position)}, node.keys, node.position)
    model = msgspec.structs.replace(job.job, depends_on=tuple(tasks), teardown_of=teardown_of) if job.job else None
    return msgspec.structs.replace(job, node=node, job=model)
