"""Groups with ``for_each``: mapped task groups of Airflow, whose jobs run once for each item of a list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingT

import msgspec

from dag_factory.config.ids import TaskId
from dag_factory.config.jobs import for_each
from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.jobs.graph import Edge, JobGraph
from dag_factory.config.model import EnvVar, ForEach, Job
from dag_factory.config.pod import final_pod
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import nearest
from dag_factory.config.tree import MapNode, Node, Scalar, as_map, entries_of, is_set


class MappedGroup(msgspec.Struct, frozen=True):
    """A group with ``for_each``: its path, the node of its ``for_each``, and the tasks in it."""

    path: str
    node: MapNode
    tasks: tuple[TaskId, ...]

    @property
    def key_path(self) -> KeyPath:
        """The path of its ``for_each`` in the pipeline."""
        return ("groups", self.path, "for_each")


def find_mapped_groups(groups: Node | None, jobs: Iterable[CompiledJob]) -> dict[str, MappedGroup]:
    """The groups that run for each item of a list, by their paths; ``groups`` is the key of the pipeline."""
    found = {path: as_map(group).get("for_each") for path, group in entries_of(groups).items()}
    nodes = {path: node for path, node in found.items() if isinstance(node, MapNode)}
    if not nodes:
        return {}
    tasks: dict[str, tuple[TaskId, ...]] = {}
    for job in jobs:
        path = outermost(_group_path(job), nodes)
        if path is not None:
            tasks[path] = (*tasks.get(path, ()), job.name)
    return {path: MappedGroup(path, node, tasks.get(path, ())) for path, node in nodes.items()}


def outermost(path: str, paths: Collection[str]) -> str | None:
    """The outermost of ``paths`` that is the group ``path`` or contains it, or None."""
    return next((one for one in _paths_to(path) if one in paths), None) if path and paths else None


def _paths_to(path: str) -> Iterator[str]:
    steps = path.split(".")
    for length in range(1, len(steps) + 1):
        yield ".".join(steps[:length])


def _group_path(job: CompiledJob) -> str:
    node = job.node.get("group")
    return node.text if isinstance(node, Scalar) and node.value is not None and not node.dynamic else ""


def wait_for_lists(graph: JobGraph, groups: MappingT[str, MappedGroup]) -> None:
    """Let the first jobs of a group wait for the job whose output is the group's list."""
    for group in groups.values():
        source = group.node.get("output")
        inside = set(group.tasks)
        if not isinstance(source, Scalar) or source.dynamic or inside & set(graph.tasks.get(source.text, ())):
            continue
        first = [task for task in group.tasks if inside.isdisjoint(graph.edges[task])]
        for task in first:
            for other in graph.tasks.get(source.text, (TaskId(source.text),)):
                graph.edges[task].setdefault(other, Edge(source.position, (*group.key_path, "output")))


def check(groups: Node | None, jobs: Iterable[CompiledJob], known: MappingT[str, MappedGroup]) -> Iterator[Problem]:
    """Problems of ``groups``, and of the jobs in groups that run for each item of a list."""
    if not isinstance(groups, MapNode):
        return
    jobs = list(jobs)
    used = {step for job in jobs if (path := _group_path(job)) for step in _paths_to(path)}
    for path in groups.entries:
        if path not in used:
            hint = f"add `group: {path}` to its jobs"
            near = nearest(path, used)
            hint = f"did you mean `{near}`? Otherwise, {hint}" if near else hint
            message = f"the group `{path}` has no jobs"
            yield Problem.at(groups.keys[path], ("groups", path), "empty-group", message, hint)
        outer = outermost(path.rpartition(".")[0], known)
        if path in known and outer is not None:
            hint = (
                "keep one `for_each`; to run for all pairs, make one list of them, such as `[[DE, small], [DE, large]]`"
            )
            yield Problem.at(
                known[path].node.position, known[path].key_path, "nested-for-each", _nested_message(outer), hint
            )
    for job in jobs:
        group = outermost(_group_path(job), known)
        if group is not None:
            yield from _check_job(job, known[group])


def _nested_message(group: str) -> str:
    return (
        f"the group `{group}` already runs for each item of a list; "
        "Airflow does not support `for_each` inside `for_each`"
    )


def _check_job(job: CompiledJob, group: MappedGroup) -> Iterator[Problem]:
    key_path: KeyPath = ("jobs", job.source_name)
    own, rule = job.node.get("for_each"), job.node.get("trigger_rule")
    if own is not None and is_set(own):
        hint = f"remove it and use the `{{{{ item }}}}` of the group, or take the job out of `{group.path}`"
        yield Problem.at(own.position, (*key_path, "for_each"), "nested-for-each", _nested_message(group.path), hint)
    if isinstance(rule, Scalar) and rule.value == "always":
        message = f"a job with `trigger_rule: always` does not wait for the list of its group `{group.path}`"
        hint = "use `all_done`, which waits until the upstream jobs have ended in any state"
        yield Problem.at(rule.position, (*key_path, "trigger_rule"), "always-in-for-each", message, hint)
    source = group.node.get("output")
    if isinstance(source, Scalar) and source.text in (job.name, job.source_name):
        name = source.text
        message = f"the job `{name}` is in the group `{group.path}`, which runs for each item of its output"
        hint = f"take `{source.text}` out of the group"
        yield Problem.at(source.position, (*group.key_path, "output"), "bad-for-each", message, hint)
    yield from for_each.check_variable(group.node, job.node.get("env"), group.key_path, job.source_name)


def read_lists(groups: Node | None) -> dict[str, ForEach]:
    """The models of the groups' lists, by the groups' paths."""
    found = {path: as_map(group).get("for_each") for path, group in entries_of(groups).items()}
    lists = {path: for_each.read_for_each(node) for path, node in found.items() if isinstance(node, MapNode)}
    return {path: msgspec.structs.replace(one, own_task=one.items is None) for path, one in lists.items()}


def with_group_list(job: Job, groups: MappingT[str, ForEach], inside: Collection[str]) -> Job:
    """The job with its group and the variable of the item; ``inside`` are the tasks of all groups with a list."""
    each = job.for_each
    if each and each.output in inside:  # Airflow does not map over the outputs of a mapped group
        job = msgspec.structs.replace(job, for_each=msgspec.structs.replace(each, own_task=True))
    path = outermost(job.group or "", groups)
    if path is None:
        return job
    variable = groups[path].variable
    env = (*job.env, EnvVar(name=variable, value=final_pod.ITEM_TEXT)) if variable else job.env
    return msgspec.structs.replace(job, mapped_group=path, env=env)
