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
from dag_factory.config.suggestions import did_you_mean, show
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

_PATTERN_HINT = "correct the pattern; it is a regular expression of Python"
_SIMPLER_PATTERN = "remove nested quantifiers such as `(a+)+` from the pattern"


def check(header: MapNode) -> Iterator[Problem]:
    """Problems of params: a default that does not match its schema, or no default with a schedule.

    Airflow validates the params for each run, so too much work is a problem too.
    """
    params = header.get("params")
    if not isinstance(params, MapNode):
        return
    scheduled = is_set(header.get("schedule"))
    try:
        yield from list(_check_each(params, scheduled))
    except TooMuchWork:
        message = "validating the params takes too much work; Airflow validates them for each run"
        hint = "simplify the schemas and patterns, or shorten the defaults"
        yield Problem.at(params.position, ("params",), "bad-param", message, hint)


def _check_each(params: MapNode, scheduled: bool) -> Iterator[Problem]:
    for name, node in params.entries.items():
        if not node.dynamic:
            yield from param_types.check(name, node)
            yield from _check_param(make_param(name, node), node, params.keys[name], scheduled)


def _check_param(param: Param, node: Node, position: Position, scheduled: bool) -> Iterator[Problem]:
    name, path = param.name, ("params", param.name)
    default = as_map(node).get("default") if isinstance(node, MapNode) else node
    if default and count_values(default) > BOUNDS.default_values:
        message = f"the default of the param `{name}` has more than {BOUNDS.default_values:,} values"
        hint = "pass it to the job as a file; 16 characters of text count as one value"
        yield Problem.at(default.position, (*path, "default"), "bad-default", message, hint)
        return
    try:
        param_schemas.count_work(param.schema)
        slow, trap = (
            param_schemas.find_slow_pattern(param.schema, param.default),
            param_schemas.find_exponential_pattern(param.schema),
        )
        mismatch = "" if slow else param_schemas.find_error(param.schema, param.default)
    except ValueError as failure:
        message = f"the param `{name}` is not a valid JSON Schema: {failure}"
        hint = _PATTERN_HINT if "regular expression" in message else "use the keys of JSON Schema; see json-schema.org"
        if isinstance(failure, param_schemas.UnknownFormat):
            hint = did_you_mean(failure.format, param_schemas.FORMATS)
        yield Problem.at(position, path, "bad-param", message, hint)
        return
    if slow and default:
        message = f"the default of the param `{name}` takes too long to match against the pattern {show(slow)}"
        yield Problem.at(default.position, (*path, "default"), "bad-default", message, _SIMPLER_PATTERN)
    elif trap:
        yield Problem.at(position, path, "bad-param", _slow_pattern_message(name, *trap), _SIMPLER_PATTERN)
    has_no_value = param.required or (param.default is None and mismatch)
    if has_no_value and scheduled:
        message = f"the param `{name}` has no default, and the pipeline has a schedule"
        hint = "add a `default`; a scheduled run cannot ask for a value"
        yield Problem.at(position, path, "required-param", message, hint)
    elif mismatch and not has_no_value and default:
        message = f"the default of the param `{name}` does not match its schema: {mismatch}"
        yield Problem.at(
            default.position, (*path, "default"), "bad-default", message, "change the default or the schema"
        )


def _slow_pattern_message(name: str, pattern: str, text: str | None) -> str:
    if text is None:
        return (
            f"the pattern {show(pattern)} of the param `{name}` is too large to check whether it takes exponential time"
        )
    return (
        f"the pattern {show(pattern)} of the param `{name}` takes exponential time on input such as {show(text)}; "
        "the Airflow UI would hang"
    )


def make_param(name: str, node: Node) -> Param:
    if not isinstance(node, MapNode):
        default = to_python(node)
        return Param(name=name, schema=param_types.with_type({}, default), default=default)
    schema: dict[str, Any] = to_python(node)
    required = "default" not in schema
    default = schema.pop("default", None)
    description = schema.pop("description", None)
    schema = param_types.with_type(schema, default)
    return Param(name=name, schema=schema, default=default, required=required, description=description)


def with_variables(tables: Tables, header: MapNode) -> Tables:
    """The tables with each param as an environment variable in the lowest layer; its value is rendered at run time.

    Text stays unchanged; any other value is JSON.
    """
    prefix, params = header.get("params_env"), header.get("params")
    if not isinstance(prefix, Scalar) or prefix.value is None or prefix.dynamic or not isinstance(params, MapNode):
        return tables
    env: dict[str, Node] = {}
    for name in params.entries:
        text = f"{{{{ params.{name} if params.{name} is string else params.{name} | tojson }}}}"
        env[f"{prefix.text}{name.upper()}"] = scalar(text, prefix.position)
    layer: dict[str, Node] = {
        **entries_of(tables.environment_job_layer),
        "env": map_node(env, dict.fromkeys(env, prefix.position), prefix.position),
    }
    keys = {**(tables.environment_job_layer.keys if tables.environment_job_layer else {}), "env": prefix.position}
    return msgspec.structs.replace(tables, environment_job_layer=map_node(layer, keys, prefix.position))


def check_variables(header: MapNode) -> Iterator[Problem]:
    prefix, params = header.get("params_env"), header.get("params")
    if not is_set(prefix) or not isinstance(params, MapNode):
        return
    variables: dict[str, str] = {}
    for name in params.entries:
        first = variables.setdefault(name.upper(), name)
        if first != name:
            message = f"with `params_env`, the params `{first}` and `{name}` would set the same environment variable"
            hint = "rename one; params whose names differ only in case set the same variable"
            yield Problem.at(params.keys[name], ("params", name), "param-name-taken", message, hint)
