"""What a pipeline says beside its jobs: computed, checked, and put into the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.expressions import run_time
from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.jobs import mapped_groups
from dag_factory.config.model import Job, Param, Pipeline
from dag_factory.config.pipelines import param_types, schedules
from dag_factory.config.platform import alerts, timezones
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema import param_schemas
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.validation_cost import TooMuchWork
from dag_factory.config.source import documents
from dag_factory.config.suggestions import show
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    count_values,
    entries_of,
    is_set,
    map_node,
    scalar,
    texts_of,
    to_python,
    whole_number,
    without,
)
from dag_factory.config.units import seconds
from dag_factory.settings import BOUNDS

_SCHEMA = "pipeline.schema.json"
_HEADER = "/$defs/overlay"
EARLIEST = "2024-01-01"
"""The start date where neither the pipeline nor its environment names one."""
_REPEATING = "write the pattern without a repetition of what repeats itself, as `(a+)+`"
_OWNERS = 500  # characters: Airflow's log of events has one column for all owners of a job


def compute(header: MapNode, context: Context) -> tuple[MapNode, list[Problem]]:
    """The header with its expressions computed and checked; what is wrong is taken out of it."""
    computed, problems = documents.computed(header, context, _SCHEMA, _HEADER, keep=True)
    rest = without(computed, "groups")  # their templates are checked with the jobs
    problems += run_time.check(rest, shape(_SCHEMA), None, ())
    groups = {key: computed.entries[key] for key in ("groups",) if key in computed.entries}
    computed = map_node({**run_time.unwrapped_map(rest).entries, **groups}, computed.keys, computed.position)
    said = {key: node for key, node in computed.entries.items() if not node.dynamic}
    problems += schedules.schedule(said.get("schedule"), ("schedule",))[1]
    problems += timezones.check_timezone(said.get("timezone"), ("timezone",))
    for key in ("start_date", "end_date"):
        problems += schedules.check_date(said.get(key), (key,))
    problems += schedules.check_order(said.get("start_date"), said.get("end_date"), ("end_date",))
    problems += schedules.check_years(said.get("start_date"), said.get("end_date"))
    problems += _continuous(said)
    problems += _owners(said)
    problems += _params(computed)
    problems += _params_env_clashes(computed)
    return computed, problems


def in_environment(header: MapNode, tables: Tables) -> MapNode:
    """The header with what the environment decides: whether schedules hold, and what a pipeline without a key gets."""
    decided: dict[str, Node] = {}
    if tables.timezone and not is_set(header.get("timezone")):
        decided["timezone"] = tables.timezone
    for key in ("max_active_jobs", "max_active_runs"):
        bound = tables.guards.bounds.get(key)
        if bound and not is_set(header.get(key)):
            decided[key] = scalar(bound.most, Position(bound.file, bound.line))
    how = tables.schedules
    if how and how.value == "manual" and is_set(header.get("schedule")):
        decided["schedule"] = Scalar(None, "null", how.position)
    if how and how.value == "paused" and not is_set(header.get("paused")):
        decided["paused"] = Scalar(True, "true", how.position)
    return map_node({**header.entries, **decided}, header.keys, header.position) if decided else header


def _schedule_off(header: MapNode, tables: Tables) -> str | None:
    """The file that says ``schedules: manual``, where that takes a schedule away."""
    written, how = header.get("schedule"), tables.schedules
    taken = how and how.value == "manual" and isinstance(written, Scalar) and written.position == how.position
    return how.position.file if how and taken else None


def owner(header: MapNode) -> str:
    """The owners in one text, as Airflow shows them."""
    return ", ".join(header.texts("owner"))


def with_params_env(tables: Tables, header: MapNode) -> Tables:
    """The tables with each param as an environment variable below all layers, filled in when a job runs.

    Text is as it is, anything else JSON.
    """
    prefix, params = header.get("params_env"), header.get("params")
    if not isinstance(prefix, Scalar) or prefix.value is None or prefix.dynamic or not isinstance(params, MapNode):
        return tables
    env: dict[str, Node] = {}
    for name in params.entries:
        text = f"{{{{ params.{name} if params.{name} is string else params.{name} | tojson }}}}"
        env[f"{prefix.text}{name.upper()}"] = scalar(text, prefix.position)
    said: dict[str, Node] = {
        **entries_of(tables.built_in),
        "env": map_node(env, dict.fromkeys(env, prefix.position), prefix.position),
    }
    keys = {**(tables.built_in.keys if tables.built_in else {}), "env": prefix.position}
    return msgspec.structs.replace(tables, built_in=map_node(said, keys, prefix.position))


def _params_env_clashes(header: MapNode) -> Iterator[Problem]:
    prefix, params = header.get("params_env"), header.get("params")
    if not is_set(prefix) or not isinstance(params, MapNode):
        return
    taken: dict[str, str] = {}
    for name in params.entries:
        first = taken.setdefault(name.upper(), name)
        if first != name:
            message = f"by `params_env` the params `{first}` and `{name}` would be one environment variable"
            hint = "names of params that differ in capitals only cannot both be variables; rename one"
            yield Problem.at(params.keys[name], ("params", name), "param-name-taken", message, hint)


def pipeline(
    dag_id: str,
    team: str,
    file: str,
    header: MapNode,
    tables: Tables,
    jobs: tuple[Job, ...],
    cells: dict[str, tuple[str, ...]],
    only: tuple[str, ...] = (),
) -> Pipeline:
    """The model without ``resolved``. The header has no problems left."""
    schedule = schedules.schedule(header.get("schedule"), ("schedule",))[0]
    own_alerts = alerts.alerts(header.get("alerts"))
    return Pipeline(
        id=dag_id,
        team=team,
        name=dag_id.split(".")[-1],
        file=file,
        environment=tables.environment,
        templates_allow=tuple(sorted(tables.templates_read)),
        cluster=tables.cluster,
        jobs=jobs,
        cells=cells,
        groups=mapped_groups.models(header.get("groups")),
        description=header.text("description"),
        doc=header.text("doc"),
        owner=header.texts("owner"),
        tags=header.texts("tags"),
        schedule=schedule,
        schedule_off=_schedule_off(header, tables),
        only=only,
        timezone=header.text("timezone") or "UTC",
        start_date=header.text("start_date") or EARLIEST,
        end_date=header.text("end_date"),
        catchup=_flag(header.get("catchup")),
        max_active_runs=whole_number(header.get("max_active_runs")),
        max_active_jobs=whole_number(header.get("max_active_jobs")),
        timeout=seconds(header.text("timeout") or ""),
        deadline=seconds(header.text("deadline") or ""),
        alerts=own_alerts,
        alerts_enabled=tables.alerts_enabled,
        channels=alerts.channels((own_alerts, *(job.alerts for job in jobs)), tables.channels),
        paused=_flag(header.get("paused")),
        depends_on_past=_flag(header.get("depends_on_past")),
        params=tuple(_param(name, node) for name, node in header.map("params").entries.items()),
        pools=tables.pools,
        guards=tables.guards,
    )


def _continuous(said: dict[str, Node]) -> Iterator[Problem]:
    """Airflow builds no DAG whose runs follow each other at once unless they do so one by one."""
    written = said.get("schedule")
    if (
        isinstance(written, Scalar)
        and written.value == "@continuous"
        and whole_number(said.get("max_active_runs")) != 1
    ):
        message = "`@continuous` starts a run when the last has ended, so only one can go on at a time"
        yield Problem.at(written.position, ("schedule",), "bad-schedule", message, "add `max_active_runs: 1`")


def _owners(said: dict[str, Node]) -> Iterator[Problem]:
    """The scheduler writes the owners of a job that failed into its log, and stops where they do not fit."""
    names = said.get("owner")
    length = len(", ".join(texts_of(names)))
    if names is not None and length > _OWNERS:
        message = f"the owners take {length:,} characters together, more than the {_OWNERS} of Airflow's log"
        yield Problem.at(names.position, ("owner",), "too-large", message, "name a group in the place of its members")


def _params(header: MapNode) -> Iterator[Problem]:
    """Each default fits what the param says of itself; a scheduled run has nobody who could fill in a form.

    Airflow holds them against each other too, for each run: what is too much work is told.
    """
    params = header.get("params")
    if not isinstance(params, MapNode):
        return
    scheduled = is_set(header.get("schedule"))
    try:
        yield from list(_each_param(params, scheduled))
    except TooMuchWork:
        message = "it is too much work to check the params against their schemas, which Airflow does for each run"
        hint = "use fewer or simpler schemas, patterns and defaults"
        yield Problem.at(params.position, ("params",), "bad-param", message, hint)


def _each_param(params: MapNode, scheduled: bool) -> Iterator[Problem]:
    for name, node in params.entries.items():
        if not node.dynamic:
            yield from param_types.check(name, node)
            yield from _param_problems(_param(name, node), node, params.keys[name], scheduled)


def _param_problems(param: Param, node: Node, position: Position, scheduled: bool) -> Iterator[Problem]:
    name, path = param.name, ("params", param.name)
    default = node.get("default") if isinstance(node, MapNode) else node
    if default and count_values(default) > BOUNDS.default_values:
        message = f"the default of the param `{name}` has more than {BOUNDS.default_values:,} values"
        hint = "give it to a job as a file; 16 characters of text count as a value"
        yield Problem.at(default.position, (*path, "default"), "bad-default", message, hint)
        return
    try:
        param_schemas.count(param.schema)
        slow, trap = param_schemas.too_slow(param.schema, param.default), param_schemas.trap(param.schema)
        wrong = "" if slow else param_schemas.fault(param.schema, param.default)
    except ValueError as failure:
        message = f"the param `{name}` is no JSON Schema: {failure}"
        yield Problem.at(position, path, "bad-param", message, "see json-schema.org for what may stand here")
        return
    if slow and default:
        message = f"the default of the param `{name}` takes too long to hold against the pattern {show(slow)}"
        yield Problem.at(default.position, (*path, "default"), "bad-default", message, _REPEATING)
    elif trap:
        yield Problem.at(position, path, "bad-param", _about_trap(name, *trap), _REPEATING)
    empty = param.required or (param.default is None and wrong)
    if empty and scheduled:
        message = f"the param `{name}` has no default, and the pipeline has a schedule"
        hint = "give it a `default`; a scheduled run has nobody to ask"
        yield Problem.at(position, path, "required-param", message, hint)
    elif wrong and not empty and default:
        message = f"the default of the param `{name}` does not fit it: {wrong}"
        yield Problem.at(default.position, (*path, "default"), "bad-default", message, "change the default or the rule")


def _about_trap(name: str, pattern: str, text: str | None) -> str:
    if text is None:
        return f"the pattern {show(pattern)} of the param `{name}` is too large to check for texts that take too long"
    return (
        f"Airflow takes for ever to hold the pattern {show(pattern)} of the param `{name}` against a text such "
        f"as {show(text)}, which somebody may type; nobody could use its pages meanwhile"
    )


def _param(name: str, node: Node) -> Param:
    if not isinstance(node, MapNode):
        default = to_python(node)
        return Param(name=name, schema=param_types.typed({}, default), default=default)
    schema: dict[str, Any] = to_python(node)
    required = "default" not in schema
    default = schema.pop("default", None)
    description = schema.pop("description", None)
    schema = param_types.typed(schema, default)
    return Param(name=name, schema=schema, default=default, required=required, description=description)


def _flag(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is True
