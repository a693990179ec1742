"""What a pipeline does, in a form in which two pipelines are equal if they do the same.

It has no documentation and no positions. Values that mean the same to Airflow are the same: an order that has no
meaning, a preset and its cron expression, a date and its midnight. ``tests/plan`` compares this with the DAGs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.ids import DagId
from dag_factory.config.model import (
    Alerts,
    AllOf,
    AnyOf,
    Asset,
    AssetRule,
    Assets,
    Channel,
    Cron,
    Job,
    Param,
    Pipeline,
    Preset,
    Schedule,
)
from dag_factory.config.workload.first_run import AIRFLOW_PRESETS, start_date
from dag_factory.config.workload.schedule_interval import PRESET_CRONS
from dag_factory.plan.differences.values import plain

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DEFAULT_CONNECTION = "kubernetes_default"
"""The operator's connection if the environment sets none."""
_POSITION = ("file", "line")


def effect_of(pipeline: Pipeline) -> Pipeline:
    """The pipeline with everything that has no effect removed, and the rest in its normal form.

    Its limits are apart, see ``guards_effect``.
    """
    alerts, channels = _alerts(pipeline)
    return msgspec.structs.replace(
        pipeline,
        file="",
        doc=None,
        description=None,
        resolved="",
        only=(),
        schedule_off=None,
        pools={},
        tags=tuple(sorted({*pipeline.tags, *([f"team:{pipeline.team}"] if pipeline.team else [])})),
        jobs=tuple(sorted(map(job_effect, pipeline.jobs), key=lambda job: job.name)),
        cluster=_cluster(pipeline),
        schedule=schedule_effect(pipeline.schedule),
        start_date=_moment(start_date(pipeline), pipeline.timezone),
        end_date=_moment(pipeline.end_date, pipeline.timezone) or None,
        max_active_runs=1 if pipeline.schedule == Preset(name="@continuous") else pipeline.max_active_runs,
        params=tuple(map(param_effect, pipeline.params)),
        alerts=alerts,
        channels=channels,
        alerts_enabled=bool(channels),
        guards=NONE,
    )


def same_guards(before: Guards, after: Guards) -> bool:
    """Whether two pipelines have the same limits, wherever these are written."""
    return before is after or same(guards_effect(before), guards_effect(after))


def same(before: Any, after: Any) -> bool:
    """Whether two values are equal. Unlike in Python, ``1``, ``1.0`` and ``true`` are not."""
    # The bytes of equal values may differ: the encoder omits a default only if the value is the same object.
    return before == after and (_ENCODER.encode(before) == _ENCODER.encode(after) or key_of(before) == key_of(after))


def key_of(value: Any) -> bytes:
    """Bytes that are the same for equal values, and only for these."""
    return _ENCODER.encode(plain(value))


def effect_key_without_id(pipeline: Pipeline) -> bytes:
    """Bytes that are the same for pipelines with the same effect, whatever their names are."""
    effect = msgspec.structs.replace(effect_of(pipeline), id=DagId(""), name="")
    return key_of((effect, guards_effect(pipeline.guards)))


def documentation_of(pipeline: Pipeline) -> Any:
    """What the pages of the DAG and its tasks show, and its description, besides its effect."""
    kinds = [(one.name, one.kind) for one in pipeline.channels]
    run_alerts = (pipeline.alerts, kinds) if pipeline.alerts != Alerts() else None
    alerts_off = not pipeline.alerts_enabled and bool(pipeline.channels)
    texts = (pipeline.file, pipeline.description, pipeline.doc, pipeline.resolved, pipeline.only, pipeline.schedule_off)
    jobs = [(job.name, job.doc) for job in pipeline.jobs]
    return texts, jobs, run_alerts, alerts_off


def job_effect(job: Job) -> Job:
    """The job without its position and documentation; the order of its dependencies has no meaning."""
    larger = tuple(
        msgspec.structs.replace(one, job=job_effect(one.job)) if one.job else one for one in job.larger_flavors
    )
    return msgspec.structs.replace(
        job,
        line=0,
        doc=None,
        depends_on=tuple(sorted(job.depends_on)),
        teardown_of=tuple(sorted(job.teardown_of)),
        larger_flavors=larger,
    )


def guards_effect(guards: Guards) -> Any:
    """The limits without the positions of their rules."""
    return _without_positions(msgspec.to_builtins(guards)) if guards != NONE else {}


def schedule_effect(schedule: Schedule) -> Schedule:
    """The schedule as Airflow stores it: presets are cron expressions, and each asset has a URI."""
    match schedule:
        case Preset(name=name) if name not in AIRFLOW_PRESETS:
            return Cron(expressions=(PRESET_CRONS.get(name, name),))
        case Cron(expressions=expressions):
            return Cron(expressions=tuple(PRESET_CRONS.get(one, one) for one in expressions))
        case Assets(rule=rule, cron=cron):
            top = AllOf(of=(rule,)) if isinstance(rule, Asset) else rule
            return Assets(rule=_asset_rule(top), cron=cron)
    return schedule


def param_effect(param: Param) -> Param:
    """The param as Airflow stores it: a param without a default allows null."""
    if param.required or param.default is not None:
        return param
    schema = dict(param.schema)
    types = schema.get("type")
    if isinstance(types, str):
        types = [types]
    if types and "null" not in types:
        types = [*types, "null"]
    if types:
        schema["type"] = list(types)
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return msgspec.structs.replace(param, schema=schema)


def _asset_rule(rule: AssetRule) -> AssetRule:
    match rule:
        case Asset():
            return Asset(name=rule.name, uri=rule.uri or rule.name)
        case AllOf(of=parts):
            return AllOf(of=tuple(map(_asset_rule, parts)))
        case AnyOf(of=parts):
            return AnyOf(of=tuple(map(_asset_rule, parts)))


def _alerts(pipeline: Pipeline) -> tuple[Alerts, tuple[Channel, ...]]:
    """The alerts that can be sent, and their channels, sorted. Without a deadline, no run can miss it."""
    if not pipeline.alerts_enabled:
        return Alerts(), ()
    all_alerts = [pipeline.alerts, *(job.alerts for job in pipeline.jobs)]
    if pipeline.deadline is None and pipeline.deadline_by is None:
        all_alerts = [msgspec.structs.replace(one, on_deadline=()) if one.on_deadline else one for one in all_alerts]
    used = {name for one in all_alerts for event in Alerts.__struct_fields__ for name in getattr(one, event)}
    channels = (one for one in pipeline.channels if one.name in used)
    return all_alerts[0], tuple(sorted(channels, key=lambda one: one.name))


def _cluster(pipeline: Pipeline) -> Any:
    cluster = pipeline.cluster
    has_output = any(job.output for job in pipeline.jobs)
    return msgspec.structs.replace(
        cluster,
        kubernetes_conn_id=cluster.kubernetes_conn_id or _DEFAULT_CONNECTION,
        xcom_sidecar=cluster.xcom_sidecar if has_output else None,
    )


def _moment(text: str | None, timezone: str) -> str:
    """A date or a time in ISO 8601 as a time with an offset; without one, it is in ``timezone``."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        zone = ZoneInfo(timezone)
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    except (ValueError, KeyError):  # Airflow rejects it, too
        return text
    return moment.isoformat()


def _without_positions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_positions(item) for key, item in value.items() if key not in _POSITION}
    if isinstance(value, (list, tuple)):
        return [_without_positions(item) for item in value]
    return value
