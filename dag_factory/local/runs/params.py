"""The params of a run: read from the command line, and checked against the pipeline's own schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dag_factory.config.model import Param
from dag_factory.config.suggestions import did_you_mean, show


class ParamError(Exception):
    """A param is unknown, invalid or missing. The text says what to do."""


def read_params(params: Sequence[Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params of a run. Text from the command line is JSON unless the param is text.

    Raises ``ParamError``.
    """
    declared = {param.name: param for param in params}
    values = {}
    for name, value in given.items():
        if name not in declared:
            hint = did_you_mean(name, declared) or "the pipeline declares no params"
            raise ParamError(f"unknown param `{name}`; {hint}")
        values[name] = _value(declared[name], value)
    for param in params:
        if param.name in values:
            _check(param, values[param.name])
        elif param.required:
            raise ParamError(f"the param `{param.name}` has no default; add --param {param.name}=VALUE")
    return values


def _value(param: Param, value: Any) -> Any:
    if not isinstance(value, str) or _accepts_only_text(param.schema):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _accepts_only_text(schema: Mapping[str, Any]) -> bool:
    types = schema.get("type")
    names = [types] if isinstance(types, str) else types or []
    if not names and isinstance(schema.get("enum"), list):
        return all(isinstance(one, str) for one in schema["enum"])
    return "string" in names and not {"integer", "number", "boolean", "array", "object"} & set(names)


def _check(param: Param, value: Any) -> None:
    import jsonschema  # slow to import

    try:
        checker = jsonschema.FormatChecker()
        jsonschema.validate(value, dict(param.schema), format_checker=checker)
    except jsonschema.ValidationError as failure:
        hint = ""
        allowed = failure.validator_value if failure.validator == "enum" else None
        if isinstance(allowed, list) and allowed:
            names = [one if isinstance(one, str) else json.dumps(one) for one in allowed]
            hint = did_you_mean(str(value), names)
        elif failure.validator == "type":
            hint = f"its type is {_types(failure.validator_value)}"
        text = f"the param `{param.name}` cannot be {show(value)}"
        raise ParamError(f"{text}; {hint}" if hint else f"{text}: {failure.message}") from None


def _types(value: Any) -> str:
    return value if isinstance(value, str) else " or ".join(map(str, value))
