"""Turn JSON Schema errors into codes, messages and hints.

A schema can annotate itself with ``x-code`` (the code of the problem), ``x-message`` (what the value must be),
``x-problem`` (the whole message) and ``x-hint`` (how to fix it). Annotations override the general texts of this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dag_factory.config.problem_codes.code import Code
from dag_factory.config.schema.registry import JSON, resolve
from dag_factory.config.suggestions import did_you_mean, show

if TYPE_CHECKING:
    from jsonschema import ValidationError

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map of keys and values",
    "array": "a list",
    "null": "null",
}
_UNITS = {
    "Length": " characters",
    "Items": " items",
    "Properties": " keys",
}
_WHOLE_NUMBER = re.compile(r"-?\d{1,9}")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?")
_NOT_RENDERED = (
    "`{{ }}` is not rendered here: write the value, or use `${{ }}` for a value that is known when the file is read"
)
Description = tuple[str | None, Code, str, str]
"""The wrong key (None if the value itself is wrong), code, message, hint."""


def relevant_errors(error: ValidationError) -> Iterator[ValidationError]:
    """The errors to report for one error. For alternatives, these are the errors of the alternative that was meant."""
    alternatives = error.validator in ("anyOf", "oneOf")
    if not alternatives or not error.context or _annotation(error, "x-message") or _required_alternatives(error):
        yield error
        return
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [found for found in branches.values() if not _has_wrong_type(found)]
    if not meant:
        yield error
        return
    best = min(meant, key=lambda found: (-max(len(inner.path) for inner in found), len(found)))
    for inner in best:
        yield from relevant_errors(inner)


def _has_wrong_type(found: list[ValidationError]) -> bool:
    """Whether a branch does not even allow the type of the value. Then it is not the branch that was meant."""
    return any(inner.validator in ("type", "const") and not inner.path for inner in found)


def describe_error(error: ValidationError, fallback: bool = True) -> Iterator[Description]:
    """Describe one error, once for each wrong key. Without a hint in the schema, the hint names the expected value.

    Without ``fallback``, the hint is empty if the schema does not describe the value.
    """
    for key, code, message, hint in _describe(error):
        wanted = _annotation(error, "x-message") or (fallback and (_type_names(error) or "another value"))
        special = _template_hint(error) or _misplaced_key_hint(error)
        yield key, code, message, special or hint or (f"write {wanted}" if wanted else "")


def _describe(error: ValidationError) -> Iterator[Description]:
    value: Any = error.instance
    expected: Any = error.validator_value
    code: Code | None = _schema(error).get("x-code")
    hint = _annotation(error, "x-hint")
    wanted, problem = _annotation(error, "x-message"), _annotation(error, "x-problem")
    if problem:
        yield None, code or "bad-value", problem, hint
        return
    if "propertyNames" in error.relative_schema_path and isinstance(value, str):
        yield value, code or "bad-name", f"{show(value)} is not {wanted or 'a name'}", hint
        return
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties" if isinstance(value, dict):
            known = list(_schema(error).get("properties", {}))
            for key in value:
                if key not in known:
                    other = (
                        _other_name_hint(error, key)
                        or _indentation_hint(error, key, value[key])
                        or did_you_mean(key, known)
                    )
                    yield key, "unknown-key", f"unknown key `{key}`", other
        case "pattern":
            yield None, code or "bad-value", f"{show(value)} is not {wanted or f'like {expected}'}", hint
        case "required" if isinstance(value, dict):
            for key in expected:
                if key not in value:
                    text = f"the key `{key}` is missing"
                    yield None, "missing-key", text, hint or _missing_key_hint(error, key)
        case "dependentRequired" if isinstance(value, dict) and not wanted:
            for key, others in expected.items():
                missing = [f"`{other}`" for other in others if other not in value] if key in value else []
                if missing:
                    text = f"`{key}` also needs {' and '.join(missing)}"
                    yield key, code or "conflicting-keys", text, hint or f"add {' and '.join(missing)}"
        case "dependentRequired" | "not" | "dependentSchemas":
            yield None, code or "conflicting-keys", wanted or "these keys cannot be used together", hint
        case "type":
            kinds = expected if isinstance(expected, list) else [expected]
            text = wanted or _type_names(error)
            if isinstance(value, str) and _is_quoted(value, kinds):
                yield None, code or "wrong-type", f'`"{value}"` is text, not {text}', "remove the quotes"
            else:
                yield None, code or "wrong-type", f"{show(value)} is not {text}", hint
        case "enum":
            options = [option for option in expected if option is not None]
            suggestion = ""
            if isinstance(value, str):
                suggestion = _other_name_hint(error, value) or did_you_mean(value, [str(option) for option in options])
                if hint and len(options) == 1:
                    suggestion = hint
            text = wanted or f"one of {', '.join(str(option) for option in options)}"
            yield None, code or "bad-value", f"{show(value)} is not {text}", suggestion or hint
        case "const" if isinstance(value, str) and value == str(expected):
            text = f'`"{value}"` is text, not {wanted or show(expected)}'
            yield None, code or "bad-value", text, "remove the quotes"
        case "const":
            yield None, code or "bad-value", f"{show(value)} is not {wanted or show(expected)}", hint
        case "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties":
            yield None, code or "too-small", _limit_message(error, "at least", wanted), hint
        case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties":
            yield None, code or "too-large", _limit_message(error, "at most", wanted), hint
        case "uniqueItems" if isinstance(value, list):
            duplicate = next((item for index, item in enumerate(value) if item in value[:index]), None)
            yield None, code or "repeated-value", f"{show(duplicate)} is listed twice", "remove one of the two"
        case "anyOf" | "oneOf" if _required_alternatives(error) and isinstance(value, dict) and not wanted:
            yield from _describe_alternatives(error, value, _required_alternatives(error), code, hint)
        case "anyOf" | "oneOf":
            text = wanted or f"one of: {'; '.join(_alternatives(expected))}"
            yield None, code or "wrong-type", f"{show(value)} is not {text}", hint
        case "if" | "then" | "else" | "$ref":
            for inner in error.context or ():
                yield from _describe(inner)
        case _:
            yield None, code or "bad-value", error.message, hint


def _required_alternatives(error: ValidationError) -> list[list[str]]:
    """The keys that each alternative requires, if all alternatives only require keys; otherwise an empty list."""
    branches: Any = error.validator_value if error.validator in ("anyOf", "oneOf") else []
    asked = [branch["required"] for branch in branches if isinstance(branch, dict) and list(branch) == ["required"]]
    return asked if len(asked) == len(branches) else []


def _describe_alternatives(
    error: ValidationError, value: JSON, asked: list[list[str]], code: Code | None, hint: str
) -> Iterator[Description]:
    names = [" and ".join(f"`{key}`" for key in keys) for keys in asked]
    given = [name for name, keys in zip(names, asked, strict=True) if all(key in value for key in keys)]
    listed = f"{', '.join(names[:-1])} or {names[-1]}"
    if not given:
        exactly = "exactly one" if error.validator == "oneOf" else "at least one"
        required = f"{', '.join(names[:-1])} and {names[-1]}"
        yield None, code or "missing-key", f"{exactly} of {required} is required", hint or f"add {listed}"
    else:
        text = f"{' and '.join(given)} cannot be used together"
        last = next(keys[0] for keys in reversed(asked) if all(key in value for key in keys))
        yield last, code or "conflicting-keys", text, hint or f"keep only {listed}"


def _annotation(error: ValidationError, annotation: str) -> str:
    return str(_schema(error).get(annotation, ""))


def _schema(error: ValidationError) -> JSON:
    return error.schema if isinstance(error.schema, dict) else {}


def _type_names(error: ValidationError) -> str:
    """The types that the schema of a value allows, as text; empty if the error is not about the type."""
    expected: Any = error.validator_value if error.validator == "type" else []
    kinds = expected if isinstance(expected, list) else [expected]
    return " or ".join(_TYPES[kind] for kind in kinds if kind != "null" or len(kinds) == 1)


def _is_quoted(value: str, kinds: list[str]) -> bool:
    """Whether a text would have one of these types if it had no quotes."""
    number = {"integer": _WHOLE_NUMBER, "number": _NUMBER}
    return any(value in ("true", "false") if kind == "boolean" else kind in number and number[kind].fullmatch(value)
               for kind in kinds)  # fmt: skip


def _misplaced_key_hint(error: ValidationError) -> str:
    """A hint for a key such as `script` beside the jobs, where it looks like the name of a job."""
    if error.validator != "type" or isinstance(error.instance, dict) or len(error.absolute_path) < 2:
        return ""
    key, parent = error.absolute_path[-1], error.absolute_path[-2]
    if parent != "jobs" or key not in _schema(error).get("properties", {}):
        return ""
    return f"if `{key}` is a key of a job, indent it by two more spaces, below the name of the job"


def _template_hint(error: ValidationError) -> str:
    """A hint for a text with ``{{ }}`` where only its value would be valid."""
    is_template = isinstance(error.instance, str) and re.search(r"(?<!\$)\{\{.*\}\}", error.instance)
    wrong_kind = error.validator in ("type", "pattern", "enum", "const", "format")
    explained = _schema(error).get("x-templated") or "${{" in _annotation(error, "x-hint")
    return _NOT_RENDERED if is_template and wrong_kind and not explained else ""


def _other_name_hint(error: ValidationError, key: str) -> str:
    """The schema's hint for a key or value that belongs elsewhere or has another name here."""
    hints = _schema(error).get("x-instead", {})
    while isinstance(hints, dict):
        if key in hints:
            return str(hints[key])
        if "$ref" not in hints:
            return ""
        hints = resolve({"$ref": hints["$ref"]}, "job.schema.json")[0]
    return ""


def _indentation_hint(error: ValidationError, key: str, value: Any) -> str:
    """A hint for a key that is not indented enough, such as a job that is not below `jobs`."""
    for parent, definition in _schema(error).get("x-indented", {}).items():
        known = resolve({"$ref": definition}, "job.schema.json")[0]["properties"]
        if isinstance(value, dict) and value and all(name in known for name in value):
            return f"if `{key}` is one of the `{parent}`, indent it and its keys by two spaces, below `{parent}:`"
    return ""


def _missing_key_hint(error: ValidationError, key: str) -> str:
    if key == "version":
        return "begin the file with `version: 1`"
    about = _schema(error).get("properties", {}).get(key, {})
    return f"add `{key}:`" + (f"; {about['x-hint']}" if "x-hint" in about else "")


def _limit_message(error: ValidationError, comparison: str, wanted: str) -> str:
    counted = str(error.validator).endswith(("Length", "Items", "Properties"))
    if not error.instance and isinstance(error.instance, (list, dict)) and error.validator_value == 1:
        return "the list is empty" if isinstance(error.instance, list) else "the map is empty"
    if wanted:
        return f"{show(error.instance)} is not {wanted}"
    if counted and error.validator_value == 1 and comparison == "at least":
        return f"{show(error.instance)} is empty"
    unit = _UNITS[str(error.validator).removeprefix("min").removeprefix("max")] if counted else ""
    return f"{show(error.instance)} must {'have' if unit else 'be'} {comparison} {error.validator_value}{unit}"


def _alternatives(branches: list[dict[str, Any]]) -> Iterator[str]:
    for branch in branches:
        kind = branch.get("x-message") or branch.get("title") or branch.get("type")
        if isinstance(kind, str) and kind != "null":
            yield _TYPES.get(kind, kind)
