"""The work of a DAG for a loader, in counted units: the same number on every machine.

A unit is about a microsecond of building and serializing on the machine of docs/scale.md. A simple job counts 700.
Volumes and variables with a source cost most, because Airflow converts these client objects to text.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dag_factory.config.model import AllOf, AnyOf, Asset, Assets, ForEach, Job, Pipeline

_PIPELINE = 700
_JOB = 700
_VOLUME = 200  # with its mount
_SOURCE = 75  # a variable with a value from a secret, a config map or a field
_ENV_FROM = 30
_ASSET = 25
_SCHEDULE_ASSET = 150  # an asset that a schedule waits for
_EDGE = 25  # between two jobs; a matrix has one for each pair of cells
_GROUP = 100
_PARAM = 40
_WHEN = 200
_ITEM = 10  # of a `for_each` list
_LIST = 300  # a task without a pod that makes a list
_MAP = 10  # in a Kubernetes fragment
_OVERLAY = 40  # the same in `pod`, which is merged into the whole pod
_BYTES = 32  # bytes of text that count as one unit
_ENCODER = msgspec.msgpack.Encoder()


def of_job(job: Job) -> int:
    """The work of one job, without its documentation."""
    work = _JOB + _VOLUME * len(job.volumes) + _text_work(job)
    if job.env:
        work += _SOURCE * sum(variable.value is None for variable in job.env)
    if job.env_from:
        work += _ENV_FROM * len(job.env_from)
    if job.inlets or job.outlets:
        work += _ASSET * (len(job.inlets) + len(job.outlets))
    if job.for_each:
        work += of_list(job.for_each)
    if job.when is not None:
        work += _WHEN
    if job.pod:
        work += _OVERLAY * _count_maps(job.pod) + _VOLUME // 2 * len((job.pod.get("spec") or {}).get("volumes") or ())
    if job.init_containers or job.tolerations or job.affinity:
        work += _MAP * _count_maps((job.init_containers, job.tolerations, job.affinity))
    return work


def of_list(each: ForEach) -> int:
    """The work of a `for_each` list."""
    return _ITEM * len(each.items or ()) + (_LIST if each.own_task else 0)


def of_pipeline(pipeline: Pipeline) -> int:
    """The work of a whole DAG, including its documentation."""
    return sum(map(of_job, pipeline.jobs)) + beside_jobs(pipeline) + len(pipeline.resolved) // _BYTES


def beside_jobs(pipeline: Pipeline) -> int:
    """The work of a DAG outside its jobs, without the text of the resolved configuration."""
    edges = sum(len(job.depends_on) + len(job.teardown_of) for job in pipeline.jobs)
    work = (
        _PIPELINE + _EDGE * edges + _PARAM * len(pipeline.params) + _SCHEDULE_ASSET * _count_assets(pipeline.schedule)
    )
    work += _GROUP * len(_groups(pipeline)) + sum(map(of_list, pipeline.groups.values()))
    return work + (len(pipeline.doc or "") + _size(pipeline.params)) // _BYTES


def _groups(pipeline: Pipeline) -> set[str]:
    """The paths of all groups, including groups that contain only groups."""
    found: set[str] = set()
    for path in {job.group for job in pipeline.jobs if job.group}:
        while path and path not in found:
            found.add(path)
            path = path.rpartition(".")[0]
    return found


def _count_assets(rule: Any) -> int:
    if isinstance(rule, Assets):
        return _count_assets(rule.rule)
    if isinstance(rule, (AllOf, AnyOf)):
        return sum(map(_count_assets, rule.of))
    return int(isinstance(rule, Asset))


def _text_work(job: Job) -> int:
    return _size(job) // _BYTES


def _size(value: Any) -> int:
    try:
        return len(_ENCODER.encode(value))
    except (ValueError, OverflowError, RecursionError):  # half a surrogate pair: another check reports it
        return 0


def _count_maps(value: Any) -> int:
    """The number of maps in a JSON value."""
    if isinstance(value, dict):
        return 1 + sum(_count_maps(item) for item in value.values() if isinstance(item, (dict, list, tuple)))
    if isinstance(value, (list, tuple)):
        return sum(map(_count_maps, value))
    return 0
