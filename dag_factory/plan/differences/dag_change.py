"""What changes in one DAG in one environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.guard_rules import Guards
from dag_factory.config.model import (
    Alerts,
    Cluster,
    Job,
    Pipeline,
)
from dag_factory.config.pipelines.written_schedule import written_schedule
from dag_factory.config.problems import errors
from dag_factory.plan.differences.effect import documentation_of, effect_of, guards_effect, same, same_guards
from dag_factory.plan.differences.job_fields import job_fields
from dag_factory.plan.differences.values import differences, plain
from dag_factory.plan.model import ABSENT, Comparison, DagChange, FieldChange, JobChange

_PLAIN_KEYS = {
    "timezone": "timezone",
    "catchup": "catchup",
    "max_active_runs": "max_active_runs",
    "max_active_jobs": "max_active_jobs",
    "timeout": "timeout",
    "paused": "paused",
    "depends_on_past": "depends_on_past",
    "groups": "groups",
    "templates_allow": "templating.allow",
}
"""The fields of a pipeline that are shown as they are, with their keys of the language."""
_GUARD_KEYS = {
    "images": "images",
    "forbid_latest": "images.forbid_latest",
    "limits": "max",
    "flavors": "flavors",
    "flavor_limits": "flavors.max",
    "platform_containers": "flavors.platform_containers",
    "nodes": "flavors.nodes",
    "require": "require",
    "pod_security": "pod_security",
    "bounds": "limits",
}
_Edge = tuple[str, str]
_Sides = tuple[Pipeline, Pipeline]
_ENCODER = msgspec.msgpack.Encoder()
_MAX_KNOWN = 1_000
_known_fields: dict[bytes, tuple[FieldChange, ...]] = {}


def dag_change(comparison: Comparison) -> DagChange | None:
    """What changes in the DAG; None if Airflow stores the same DAG and it does the same.

    Both pipelines are those of ``comparison``. The documentation is compared only if the effects are equal.
    """
    before, after = comparison.before, comparison.after
    found = errors(comparison.problems)
    base = DagChange(
        comparison.environment, comparison.id, comparison.file, "changed", comparison.renamed_from, problems=found
    )
    if after is None:
        return _without_after(base, comparison)
    if before is None:
        had_errors = bool(errors(comparison.problems_before))
        kind: Any = "repaired" if had_errors else "added"
        fields = tuple(differences("schedule", ABSENT, _schedule(after)))
        return msgspec.structs.replace(base, kind=kind, fields=fields, jobs=_all(after, "added"), is_new=not had_errors)
    old, new = effect_of(before), effect_of(after)
    if comparison.renamed_from is None and same(old, new) and same_guards(before.guards, after.guards):
        is_same = documentation_of(before) == documentation_of(after)
        return None if is_same else msgspec.structs.replace(base, kind="documentation")
    kind = "renamed" if comparison.renamed_from else "changed"
    return msgspec.structs.replace(_compare(base, (before, after), (old, new)), kind=kind)


def _without_after(base: DagChange, comparison: Comparison) -> DagChange | None:
    before = comparison.before
    if base.problems:
        was_broken = before is None and errors(comparison.problems_before)
        return None if was_broken else msgspec.structs.replace(base, kind="broken", is_new=before is None)
    return msgspec.structs.replace(base, kind="removed", jobs=_all(before, "removed") if before else ())


def _all(pipeline: Pipeline, kind: Any) -> tuple[JobChange, ...]:
    return tuple(_whole(job, kind) for job in pipeline.jobs)


def _whole(job: Job, kind: Any) -> JobChange:
    """A job that was added, with its image and size, or a job that was removed."""
    if kind == "removed":
        return JobChange(job.name, kind)
    image = FieldChange("spec.containers[base].image", ABSENT, job.image)
    return JobChange(job.name, kind, (image, FieldChange("resource_flavor", ABSENT, job.flavor.name)))


def _compare(base: DagChange, pipelines: _Sides, effects: _Sides) -> DagChange:
    before, after = pipelines
    old_jobs, new_jobs = map(_job_effects, pipelines, effects)
    jobs = tuple(_jobs(old_jobs, new_jobs, (before.cluster, after.cluster)))
    old_edges, new_edges = _edges(before), _edges(after)
    fields = tuple(_fields(pipelines, effects, base.renamed_from is not None))
    added, removed = tuple(sorted(new_edges - old_edges)), tuple(sorted(old_edges - new_edges))
    if not (fields or jobs or added or removed):
        fields = tuple(_rest(*effects))
    return msgspec.structs.replace(base, fields=fields, jobs=jobs, edges_added=added, edges_removed=removed)


def _jobs(old: dict[str, Job], new: dict[str, Job], clusters: tuple[Cluster, Cluster]) -> Iterator[JobChange]:
    has_same_sidecar = clusters[0].xcom_sidecar == clusters[1].xcom_sidecar
    for name in {**new, **old}:
        if name not in old:
            yield _whole(new[name], "added")
        elif name not in new:
            yield JobChange(name, "removed")
        elif not (has_same_sidecar and same(old[name], new[name])):
            fields = _job_fields(old[name], new[name], clusters)
            if fields:  # otherwise only its edges changed
                yield JobChange(name, "changed", fields)


def _job_fields(before: Job, after: Job, clusters: tuple[Cluster, Cluster]) -> tuple[FieldChange, ...]:
    """As ``job_fields``, computed once for the equal jobs of several environments."""
    key = _ENCODER.encode((before, after, clusters[0].xcom_sidecar, clusters[1].xcom_sidecar))
    if key not in _known_fields:
        if len(_known_fields) >= _MAX_KNOWN:
            _known_fields.clear()
        _known_fields[key] = tuple(job_fields(before, after, clusters))
    return _known_fields[key]


def _edges(pipeline: Pipeline) -> set[_Edge]:
    return {(upstream, job.name) for job in pipeline.jobs for upstream in job.depends_on}


def _job_effects(pipeline: Pipeline, effect: Pipeline) -> dict[str, Job]:
    """The effects of the jobs by name, in the order of the pipeline."""
    effects = {job.name: job for job in effect.jobs}
    return {job.name: effects[job.name] for job in pipeline.jobs}


def _fields(pipelines: _Sides, effects: _Sides, is_renamed: bool) -> Iterator[FieldChange]:
    """The fields of the DAG itself that differ in their effect, with the values of the files."""
    (before, after), (old, new) = pipelines, effects
    if old.schedule != new.schedule:
        yield FieldChange("schedule", _schedule(before), _schedule(after))
    starts_elsewhere = old.schedule != new.schedule or old.catchup != new.catchup or old.timezone != new.timezone
    for name in ("start_date", "end_date"):
        texts = plain(getattr(before, name)), plain(getattr(after, name))
        if getattr(old, name) != getattr(new, name) and not (starts_elsewhere and texts[0] == texts[1]):
            yield FieldChange(name, *texts)
    for name, key in _PLAIN_KEYS.items():
        yield from differences(key, _or_absent(getattr(old, name)), _or_absent(getattr(new, name)))
    yield from differences("owner", plain(before.owner), plain(after.owner))
    yield from differences("tags", plain(old.tags), plain(new.tags))
    yield from differences("deadline", _deadline(before), _deadline(after))
    yield from _params(old, new)
    yield from _alerts(before, after, old, new)
    yield from differences("links", plain(before.links), plain(after.links))
    for name in Cluster.__struct_fields__:
        if name != "xcom_sidecar":  # it is in the pods
            yield from differences(
                f"cluster.{name}", plain(getattr(before.cluster, name)), plain(getattr(after.cluster, name))
            )
    yield from _guards(before.guards, after.guards)
    if is_renamed and before.team != after.team:
        yield FieldChange("team", before.team, after.team)


def _rest(old: Pipeline, new: Pipeline) -> Iterator[FieldChange]:
    """What differs in the effect although no key above shows it."""
    for name in Pipeline.__struct_fields__:
        if name not in ("id", "name", "jobs"):
            yield from differences(name, plain(getattr(old, name)), plain(getattr(new, name)))


def _schedule(pipeline: Pipeline) -> Any:
    """The schedule as the language writes it; ``ABSENT`` if the pipeline is started by hand."""
    written = written_schedule(pipeline.schedule)
    return ABSENT if written is None else written


def _or_absent(value: Any) -> Any:
    if value == Alerts() or value in ((), {}):
        return ABSENT
    if isinstance(value, Alerts):
        return {name: item for name, item in plain(value).items() if item}
    return plain(value)


def _deadline(pipeline: Pipeline) -> Any:
    return {"by": pipeline.deadline_by} if pipeline.deadline_by is not None else plain(pipeline.deadline)


def _params(old: Pipeline, new: Pipeline) -> Iterator[FieldChange]:
    before, after = ({one.name: one for one in pipeline.params} for pipeline in (old, new))
    for name in {**before, **after}:
        values = [_param(params[name]) if name in params else ABSENT for params in (before, after)]
        yield from differences(f"params.{name}", *values)
    order = [[name for name in one if name in other] for one, other in ((before, after), (after, before))]
    if order[0] != order[1]:
        yield FieldChange("params", list(before), list(after))


def _param(param: Any) -> Any:
    found = plain(param)
    return {key: value for key, value in found.items() if key != "name"}


def _alerts(before: Pipeline, after: Pipeline, old: Pipeline, new: Pipeline) -> Iterator[FieldChange]:
    if before.alerts_enabled != after.alerts_enabled and old.alerts_enabled != new.alerts_enabled:
        yield FieldChange("alerts.enabled", before.alerts_enabled, after.alerts_enabled)
        return
    yield from differences("alerts", _or_absent(old.alerts), _or_absent(new.alerts))
    yield from differences("channels", _by_name(old.channels), _by_name(new.channels))


def _by_name(channels: Any) -> dict[str, Any]:
    return {one.name: plain(one) for one in channels}


def _guards(before: Guards, after: Guards) -> Iterator[FieldChange]:
    old, new = guards_effect(before), guards_effect(after)
    for name, key in _GUARD_KEYS.items():
        yield from differences(key, old.get(name, ABSENT), new.get(name, ABSENT))
    allowed = [one.get("allow", {}) for one in (old, new)]
    for key in {**allowed[0], **allowed[1]}:
        yield from differences(key, allowed[0].get(key, ABSENT), allowed[1].get(key, ABSENT))
