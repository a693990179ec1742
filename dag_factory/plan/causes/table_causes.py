"""Causes in the tables of the platform: flavors, the container of outputs, mirrors, channels, environments, teams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dag_factory.config.platform import alerts, flavor_table, teams
from dag_factory.config.positions import KeyPath
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.explain.field_paths import tokens
from dag_factory.plan.causes.dag_sides import DagSides, without_environment
from dag_factory.plan.model import Cause


def flavor(dag: DagSides, job: str, path: str) -> Iterator[Cause]:
    """The definition of the job's flavor, in the table or in the environment."""
    models = [dag.job(side, job) if job else None for side in (0, 1)]
    steps = tokens(path.replace(":", "."))
    is_size = ".resources." in f".{path}." or "dev-shm" in path or "/dev/shm" in path
    if not any(models) or not (is_size or steps[0] == "resource_flavor"):
        return
    names = [one.flavor.name for one in models if one]
    larger = [flavor.flavor.name for one in models if one for flavor in one.larger_flavors]
    wanted = [*larger, *names] if "next" in steps else [*reversed(larger), *reversed(names)]
    for name in dict.fromkeys(wanted):
        candidates = [
            one
            for one in dag.table_edits()
            if one[1].path[:2] == ("flavors", name) or one[1].path[:3] == ("flavors", "define", name)
        ]
        for file, edit, side in sorted(candidates, key=lambda one: (-one[2], _distance(one[1].path, steps))):
            yield dag.cause(edit, file, side)


def _distance(path: KeyPath, steps: list[str]) -> tuple[bool, int]:
    """How well the path of an edit in a flavor fits a field: the same resource, then the same kind."""
    names = {str(step) for step in path}
    resource = steps[-1].replace("-", "_")
    is_gpu = "/" in steps[-1] and "gpu" in names
    same = resource in names or steps[-1] in names or is_gpu
    return not same, -len(names & {*steps, resource})


def sidecar(dag: DagSides, job: str) -> Iterator[Cause]:
    """For the container that reads the output: the output of the job, or the settings of the environment."""
    models = [dag.job(side, job) if job else None for side in (0, 1)]
    outputs = {model.output for model in models if model}
    if len(outputs) < 2:
        for file, edit, side in dag.table_edits():
            if {"xcom_sidecar", "pod_security"} & set(map(str, edit.path)):
                yield dag.cause(edit, file, side)
        return
    for side in (1, 0):
        for prefix in (("jobs", dag.source_name(job)), ("defaults",)):
            for edit in dag.own(side).all:
                inner = without_environment(edit.path)
                if inner[: len(prefix)] == prefix and "output" in inner:
                    yield dag.cause(edit, dag.files[side], side)


def mirrors(dag: DagSides, path: str) -> Iterator[Cause]:
    """For an image: the mirrors that rename it."""
    if "image" not in path:
        return
    for side in (1, 0):
        for file, edits in dag.sides.all_tables(side):
            if edit := edits.below("images", "mirrors"):
                yield dag.cause(edit, file, side)


def by_table(dag: DagSides, path: str) -> Iterator[Cause]:
    """An edit of the environment, the team or a channel whose path has the steps of the field in their order."""
    steps = [step for step in tokens(path) if not step.isdecimal()]
    some = dag.after or dag.before
    folder = "/".join(some.file.split("/")[2:-1]) if some else ""
    for wanted in (steps, steps[-1:], steps[:1]):
        for file, edit, side in dag.table_edits():
            if _applies(file, edit.path, folder) and _has_in_order(edit.path, wanted):
                yield dag.cause(edit, file, side)


def _applies(file: str, path: KeyPath, folder: str) -> bool:
    """Whether a table may set fields of a DAG in this folder by their names."""
    if file == teams.FILE:
        return path[:1] == (teams.DEFAULT,) or (len(path) > 1 and f"{folder}/".startswith(f"{path[1]}/"))
    return file.startswith(f"{ENVIRONMENTS}/") or file == alerts.FILE or file == flavor_table.FILE


def _has_in_order(path: KeyPath, steps: Iterable[str]) -> bool:
    rest = iter(map(str, path))
    return all(step in rest for step in steps)


def channel(dag: DagSides, path: str) -> Iterator[Cause]:
    """For a channel: its definition, or the alerts that name it if only one side does."""
    name = tokens(path)[1:2]
    sides = [{channel.name for channel in one.pipeline.channels} if one else set() for one in dag.both]
    is_in_both = all(name and name[0] in side for side in sides)
    for side in (1, 0):
        files = list(dag.sides.all_tables(side))
        if is_in_both:
            files = [(file, edits) for file, edits in files if file == alerts.FILE]
        else:
            files.insert(0, (dag.files[side], dag.own(side)))
        for file, edits in files:
            for edit in edits.all:
                if edit.path[:2] == ("channels", *name) if is_in_both else "alerts" in edit.path:
                    yield dag.cause(edit, file, side)
