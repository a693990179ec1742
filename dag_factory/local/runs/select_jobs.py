"""Which jobs of a pipeline a run has, and which outputs of other jobs they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from dag_factory.config.expressions.run_time import outputs_read
from dag_factory.config.model import Alerts, Job, Manual, Pipeline
from dag_factory.config.suggestions import did_you_mean


class SelectionError(Exception):
    """The jobs cannot run like this. The text says what to do."""


class Selection(msgspec.Struct, frozen=True):
    """``jobs`` run; ``needed`` are other jobs whose outputs they read. Both in the order of the pipeline."""

    jobs: tuple[str, ...]
    needed: tuple[str, ...]


def select(pipeline: Pipeline, only: str | None = None, start: str | None = None) -> Selection:
    """Return the selection: all jobs; or one job; or the job ``start`` and all jobs that wait for it.

    The name of a matrix stands for all of its cells. Raises ``SelectionError``.
    """
    if only:
        chosen = set(_named(pipeline, only))
    elif start:
        chosen = _with_later(pipeline, _named(pipeline, start))
    else:
        return Selection(tuple(job.name for job in pipeline.jobs), ())
    jobs = [job for job in pipeline.jobs if job.name in chosen]
    needed = {name for job in jobs for name in _reads(pipeline, job)} - chosen
    _check_groups(pipeline, jobs, needed)
    return Selection(tuple(job.name for job in jobs), tuple(job.name for job in pipeline.jobs if job.name in needed))


def local_pipeline(pipeline: Pipeline, selection: Selection) -> Pipeline:
    """Return the pipeline as it runs here: these jobs only, started by hand, and without alerts.

    No job defers: its log streams while the pod runs, and Airflow needs no triggerer.
    """
    present = {*selection.jobs, *selection.needed}
    jobs = [
        _local(job, present) if job.name in selection.jobs else _saved(job)
        for job in pipeline.jobs
        if job.name in present
    ]
    groups = {job.mapped_group for job in jobs}
    return msgspec.structs.replace(
        pipeline,
        jobs=tuple(jobs),
        groups={path: each for path, each in pipeline.groups.items() if path in groups},
        schedule=Manual(),
        schedule_off=None,
        catchup=False,
        end_date=None,
        deadline=None,
        deadline_by=None,
        alerts=Alerts(),
        alerts_enabled=False,
        channels=(),
        paused=False,
    )


def _named(pipeline: Pipeline, name: str) -> Sequence[str]:
    known = [job.name for job in pipeline.jobs]
    if name not in known and name not in pipeline.cells:
        hint = did_you_mean(name, [*known, *pipeline.cells])
        raise SelectionError(f"`{pipeline.id}` has no job `{name}` in {pipeline.environment}; {hint}")
    return pipeline.cells.get(name, (name,))


def _with_later(pipeline: Pipeline, names: Iterable[str]) -> set[str]:
    """Return the jobs, and those that wait for them. ``for_each`` and the list of a group are a wait, too."""
    later: dict[str, set[str]] = {}
    for job in pipeline.jobs:
        for name in (*job.depends_on, *job.teardown_of, *_lists(pipeline, job)):
            later.setdefault(name, set()).add(job.name)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += later.get(name, ())
    return found


def _reads(pipeline: Pipeline, job: Job) -> Iterator[str]:
    """Yield the jobs whose outputs the job reads; the cells in place of a matrix."""
    for text in _texts(msgspec.to_builtins(job)):
        for name in outputs_read(text) if "output" in text else ():
            yield from pipeline.cells.get(name, (name,))
    yield from _lists(pipeline, job)


def _lists(pipeline: Pipeline, job: Job) -> Iterator[str]:
    group = pipeline.groups.get(job.mapped_group) if job.mapped_group else None
    for each in (job.for_each, group):
        if each and each.output:
            yield from pipeline.cells.get(each.output, (each.output,))


def _check_groups(pipeline: Pipeline, jobs: Sequence[Job], needed: set[str]) -> None:
    group_of = {job.name: job.mapped_group for job in pipeline.jobs}
    for job in jobs:
        inside = [name for name in _reads(pipeline, job) if name in needed and group_of[name] and job.mapped_group]
        if inside and group_of[inside[0]] == job.mapped_group:
            raise SelectionError(
                f"`{job.name}` reads the output of `{inside[0]}` for the same item of the group `{job.mapped_group}`, "
                f"so both have to run; use --from {inside[0]}"
            )


def _local(job: Job, present: set[str]) -> Job:
    return msgspec.structs.replace(
        job,
        depends_on=tuple(name for name in job.depends_on if name in present),
        teardown_of=tuple(name for name in job.teardown_of if name in present),
        deferrable=False,
        alerts=Alerts(),
    )


def _saved(job: Job) -> Job:
    """Return a job that is one task without dependencies, whatever it is in the pipeline."""
    return msgspec.structs.replace(
        job,
        depends_on=(),
        teardown_of=(),
        trigger_rule="all_success",
        when=None,
        group=None,
        mapped_group=None,
        for_each=None,
        deferrable=False,
        alerts=Alerts(),
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
