"""References that Airflow resolves at run time: outputs of other jobs, params, and values of Airflow.

Templates and lists of ``for_each`` contain them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from collections.abc import Mapping as MappingT
from functools import cache, partial

import msgspec

from dag_factory.config.expressions import run_time
from dag_factory.config.ids import TaskId
from dag_factory.config.jobs import for_each, graph
from dag_factory.config.jobs.checks import script_injection
from dag_factory.config.jobs.graph import JobGraph
from dag_factory.config.jobs.job_layers import SCHEMA
from dag_factory.config.jobs.mapped_groups import MappedGroup
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.tree import MapNode, Node, entries_of, is_set


def check(
    jobs: JobGraph,
    lists: MappingT[str, MappedGroup],
    header: MapNode,
    allowed: frozenset[str],
    removed: Set[str],
) -> Iterator[Problem]:
    """A problem for each reference to something that does not exist.

    ``allowed`` are the names that the environment adds to those of templates. ``removed`` are the keys whose values had
    errors: references to them are not reported.
    """
    every = frozenset(jobs.edges)
    params = header.get("params")
    matrices = {name for name, tasks in jobs.tasks.items() if name not in jobs.sources or len(tasks) > 1}
    outputs = frozenset(job.name for job in jobs.jobs if "output" in job.node.entries)
    readable = run_time.Scope(
        job="",
        upstream=lambda: every,
        jobs=jobs.tasks,
        with_output=every if "output" in removed else outputs,
        params=frozenset(entries_of(params)),
        dateless=_has_no_dates(header),
        reads=allowed,
    )

    def check_list(node: Node | None, path: KeyPath) -> Iterator[Problem]:
        yield from for_each.check_source(node, path, jobs.tasks, matrices, readable.with_output)
        yield from for_each.check_param(node, path, params)

    def upstream(task: TaskId) -> Callable[[], Set[str]]:
        return cache(partial(graph.upstream, jobs.edges, task))

    job_shape = shape(*SCHEMA)
    for group in lists.values():
        yield from check_list(group.node, group.key_path)
        first = group.tasks[0] if group.tasks else TaskId(group.path)  # an empty group has no task
        scope = msgspec.structs.replace(readable, job=first, upstream=upstream(first), item=True)
        yield from run_time.check(group.node, job_shape.child("for_each"), scope, group.key_path)
    texts, prefix = script_injection.free_text_params(params), header.text("params_env") or ""
    with_item = {task for group in lists.values() for task in group.tasks}
    for job in jobs.jobs:
        path = ("jobs", job.source_name)
        items = job.node.get("for_each")
        if items is not None:
            yield from check_list(items, (*path, "for_each"))
        scope = msgspec.structs.replace(
            readable,
            job=job.source_name,
            upstream=readable.upstream if "depends_on" in removed else upstream(job.name),
            item=job.name in with_item or is_set(items),
        )
        yield from run_time.check(job.node, job_shape, scope, path)
        yield from script_injection.check(job.node, texts, prefix, path)


def _has_no_dates(header: MapNode) -> bool:
    """Whether runs have no logical date, because people or asset updates start them."""
    schedule = header.get("schedule")
    return not is_set(schedule) or "assets" in entries_of(schedule)
