"""Groups with ``for_each``: Airflow's mapped task groups, whose jobs run once for each item, each item by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingT

import msgspec

from dag_factory.config.jobs import for_each
from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.jobs.graph import Edge, JobGraph
from dag_factory.config.model import EnvVar, ForEach, Job
from dag_factory.config.pod import final_pod
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Node, Scalar, as_map, entries_of, is_set


class MappedGroup(msgspec.Struct, frozen=True):
    """A group with ``for_each``: its path, the node of its ``for_each``, and the tasks in it."""

    path: str
    node: MapNode
    tasks: tuple[str, ...]

    @property
    def place(self) -> KeyPath:
        """The position of its ``for_each`` in the pipeline."""
        return ("groups", self.path, "for_each")


def mapped(groups: Node | None, jobs: Iterable[CompiledJob]) -> dict[str, MappedGroup]:
    """The groups that run for each item of a list, by their path; ``groups`` is the pipeline's."""
    found = {path: as_map(group).get("for_each") for path, group in entries_of(groups).items()}
    nodes = {path: node for path, node in found.items() if isinstance(node, MapNode)}
    if not nodes:
        return {}
    tasks: dict[str, tuple[str, ...]] = {}
    for job in jobs:
        path = around(_path(job), nodes)
        if path is not None:
            tasks[path] = (*tasks.get(path, ()), job.name)
    return {path: MappedGroup(path, node, tasks.get(path, ())) for path, node in nodes.items()}


def around(path: str, paths: Collection[str]) -> str | None:
    """The outermost of some groups that holds a group or is it; None where none does."""
    return next((one for one in _steps(path) if one in paths), None) if path and paths else None


def _steps(path: str) -> Iterator[str]:
    steps = path.split(".")
    for length in range(1, len(steps) + 1):
        yield ".".join(steps[:length])


def _path(job: CompiledJob) -> str:
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
            for other in graph.tasks.get(source.text, (source.text,)):
                graph.edges[task].setdefault(other, Edge(source.position, (*group.place, "output")))


def check(groups: Node | None, jobs: Iterable[CompiledJob], known: MappingT[str, MappedGroup]) -> Iterator[Problem]:
    """What is wrong with ``groups``, and with the jobs in groups that run for each item of a list."""
    if not isinstance(groups, MapNode):
        return
    jobs = list(jobs)
    used = {step for job in jobs if (path := _path(job)) for step in _steps(path)}
    for path in groups.entries:
        if path not in used:
            hint = did_you_mean(path, used) if used else f"write `group: {path}` at its jobs"
            message = f"no job is in the group `{path}`"
            yield Problem.at(groups.keys[path], ("groups", path), "empty-group", message, hint)
        outer = around(path.rpartition(".")[0], known)
        if path in known and outer is not None:
            hint = "keep one `for_each`; for all pairs make one list of them, such as `[[DE, small], [DE, large]]`"
            yield Problem.at(known[path].node.position, known[path].place, "nested-for-each", _nested(outer), hint)
    for job in jobs:
        group = around(_path(job), known)
        if group is not None:
            yield from _job(job, known[group])


def _nested(group: str) -> str:
    return f"the group `{group}` runs for each item of a list already, and Airflow has no list inside a list"


def _job(job: CompiledJob, group: MappedGroup) -> Iterator[Problem]:
    place: KeyPath = ("jobs", job.source_name)
    own, rule = job.node.get("for_each"), job.node.get("trigger_rule")
    if own is not None and is_set(own):
        hint = f"remove it and use `{{{{ item }}}}` of the group, or take the job out of `{group.path}`"
        yield Problem.at(own.position, (*place, "for_each"), "nested-for-each", _nested(group.path), hint)
    if isinstance(rule, Scalar) and rule.value == "always":
        message = f"a job with `always` does not wait for the list of the group `{group.path}`"
        hint = "use `all_done`, which waits until the jobs before it end in any way"
        yield Problem.at(rule.position, (*place, "trigger_rule"), "always-in-for-each", message, hint)
    source = group.node.get("output")
    if isinstance(source, Scalar) and source.text in (job.name, job.source_name):
        message = f"the job `{source.text}` is in the group `{group.path}`, which runs for each item of its output"
        hint = f"take `{source.text}` out of the group"
        yield Problem.at(source.position, (*group.place, "output"), "bad-for-each", message, hint)
    yield from for_each.check_variable(group.node, job.node.get("env"), group.place, job.source_name)


def models(groups: Node | None) -> dict[str, ForEach]:
    """The lists of the groups, by the groups' paths."""
    found = {path: as_map(group).get("for_each") for path, group in entries_of(groups).items()}
    lists = {path: for_each.for_each(node) for path, node in found.items() if isinstance(node, MapNode)}
    return {path: msgspec.structs.replace(one, own_task=one.items is None) for path, one in lists.items()}


def placed(job: Job, groups: MappingT[str, ForEach], inside: Collection[str]) -> Job:
    """The job with what its group's list adds to it; ``inside`` are the tasks of all such groups."""
    each = job.for_each
    if each and each.output in inside:  # Airflow has no list of what the instances of a group gave
        job = msgspec.structs.replace(job, for_each=msgspec.structs.replace(each, own_task=True))
    path = around(job.group or "", groups)
    if path is None:
        return job
    variable = groups[path].variable
    env = (*job.env, EnvVar(name=variable, value=final_pod.ITEM_TEXT)) if variable else job.env
    return msgspec.structs.replace(job, mapped_group=path, env=env)
