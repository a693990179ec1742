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
    Cron,
    Job,
    Param,
    Pipeline,
    Preset,
    Schedule,
)
from dag_factory.config.workload.first_run import AIRFLOW_PRESETS, start_date

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""The cron expressions to which Airflow translates its presets."""
_DEFAULT_CONNECTION = "kubernetes_default"
"""The operator's connection if the environment sets none."""
_POSITION = ("file", "line")


def effect_of(pipeline: Pipeline) -> Pipeline:
    """The pipeline with everything that has no effect removed, and the rest in its normal form."""
    sends_alerts = pipeline.alerts_enabled and bool(pipeline.channels)
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
        alerts=pipeline.alerts if sends_alerts else Alerts(),
        channels=tuple(sorted(pipeline.channels, key=lambda one: one.name)) if sends_alerts else (),
        alerts_enabled=sends_alerts,
        guards=NONE,
    )


def effect_key(pipeline: Pipeline) -> bytes:
    """Bytes that are equal for equal effects. Unlike Python, they tell ``1``, ``1.0`` and ``true`` apart."""
    return _ENCODER.encode((effect_of(pipeline), guards_effect(pipeline.guards)))


def effect_key_without_id(pipeline: Pipeline) -> bytes:
    """As ``effect_key``, for a pipeline of any name."""
    return effect_key(msgspec.structs.replace(pipeline, id=DagId(""), name=""))


def documentation_key(pipeline: Pipeline) -> bytes:
    """Bytes that are equal for equal documentation: what the pages of the DAG and its tasks show, and its description.

    Both pipelines must have the same effect.
    """
    kinds = [(one.name, one.kind) for one in pipeline.channels]
    run_alerts = (pipeline.alerts, kinds) if pipeline.alerts != Alerts() else None
    alerts_off = not pipeline.alerts_enabled and bool(pipeline.channels)
    texts = (pipeline.file, pipeline.description, pipeline.doc, pipeline.resolved, pipeline.only, pipeline.schedule_off)
    jobs = [(job.name, job.doc) for job in pipeline.jobs]
    return _ENCODER.encode((texts, jobs, run_alerts, alerts_off))


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


def job_key(job: Job) -> bytes:
    """Bytes that are equal for jobs with equal effects."""
    return _ENCODER.encode(job_effect(job))


def value_key(value: Any) -> bytes:
    """Bytes that are equal for equal values, and differ for ``1``, ``1.0`` and ``true``."""
    return _ENCODER.encode(value)


def guards_effect(guards: Guards) -> Any:
    """The limits without the positions of their rules."""
    return _without_positions(msgspec.to_builtins(guards)) if guards != NONE else {}


def schedule_effect(schedule: Schedule) -> Schedule:
    """The schedule as Airflow stores it: presets are cron expressions, and each asset has a URI."""
    match schedule:
        case Preset(name=name) if name not in AIRFLOW_PRESETS:
            return Cron(expressions=(_PRESETS.get(name, name),))
        case Cron(expressions=expressions):
            return Cron(expressions=tuple(_PRESETS.get(one, one) for one in expressions))
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
