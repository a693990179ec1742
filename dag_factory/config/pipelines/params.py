"""The params of a pipeline: checked against their own schemas, as models, and as variables of its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.model import Param
from dag_factory.config.pipelines import param_types
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema import param_schemas
from dag_factory.config.schema.validation_cost import TooMuchWork
from dag_factory.config.suggestions import show
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    as_map,
    count_values,
    entries_of,
    is_set,
    map_node,
    scalar,
    to_python,
)
from dag_factory.settings import BOUNDS

_REPEATING = "write the pattern without a repetition of what repeats itself, as `(a+)+`"


def check(header: MapNode) -> Iterator[Problem]:
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
            yield from _param_problems(param(name, node), node, params.keys[name], scheduled)


def _param_problems(param: Param, node: Node, position: Position, scheduled: bool) -> Iterator[Problem]:
    name, path = param.name, ("params", param.name)
    default = as_map(node).get("default") if isinstance(node, MapNode) else node
    if default and count_values(default) > BOUNDS.default_values:
        message = f"the default of the param `{name}` has more than {BOUNDS.default_values:,} values"
        hint = "give it to a job as a file; 16 characters of text count as a value"
        yield Problem.at(default.position, (*path, "default"), "bad-default", message, hint)
        return
    try:
        param_schemas.count_work(param.schema)
        slow = param_schemas.find_slow_pattern(param.schema, param.default)
        trap = param_schemas.find_exponential_pattern(param.schema)
        wrong = "" if slow else param_schemas.find_error(param.schema, param.default)
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


def param(name: str, node: Node) -> Param:
    if not isinstance(node, MapNode):
        default = to_python(node)
        return Param(name=name, schema=param_types.typed({}, default), default=default)
    schema: dict[str, Any] = to_python(node)
    required = "default" not in schema
    default = schema.pop("default", None)
    description = schema.pop("description", None)
    schema = param_types.typed(schema, default)
    return Param(name=name, schema=schema, default=default, required=required, description=description)


def with_variables(tables: Tables, header: MapNode) -> Tables:
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
        **entries_of(tables.environment_job_layer),
        "env": map_node(env, dict.fromkeys(env, prefix.position), prefix.position),
    }
    keys = {**(tables.environment_job_layer.keys if tables.environment_job_layer else {}), "env": prefix.position}
    return msgspec.structs.replace(tables, environment_job_layer=map_node(said, keys, prefix.position))


def check_variables(header: MapNode) -> Iterator[Problem]:
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
