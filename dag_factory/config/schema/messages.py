"""JSON Schema's errors in a person's words.

A schema may say more of itself: ``x-code`` (the problem's stable code), ``x-message`` (what the value must
be), ``x-problem`` (the whole message) and ``x-hint`` (the mend). Those win over the general words here.
"""

from __future__ import annotations

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
Description = tuple[str | None, Code, str, str]
"""The key at fault (None: the value itself), code, message, hint."""


def relevant_errors(error: ValidationError) -> Iterator[ValidationError]:
    """The errors to tell of one error: of alternatives, those of the one that was meant."""
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
    """Whether a branch refuses the value's very type: then it was not the branch meant."""
    return any(inner.validator in ("type", "const") and not inner.path for inner in found)


def describe_error(error: ValidationError, otherwise: str = "another value") -> Iterator[Description]:
    """One error's problems, one for each key at fault; the mend, where no schema says it, is what is wanted."""
    for key, code, message, hint in _describe(error):
        wanted = _annotation(error, "x-message") or otherwise
        yield key, code, message, hint or (f"write {wanted}" if wanted else "")


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
                    text = f"`{key}` needs {' and '.join(missing)} beside it"
                    yield key, code or "conflicting-keys", text, hint or f"add {' and '.join(missing)}"
        case "dependentRequired" | "not" | "dependentSchemas":
            yield None, code or "conflicting-keys", wanted or "these keys do not go together", hint
        case "type":
            kinds = expected if isinstance(expected, list) else [expected]
            text = wanted or " or ".join(_TYPES[kind] for kind in kinds if kind != "null" or len(kinds) == 1)
            yield None, code or "wrong-type", f"{show(value)} is not {text}", hint
        case "enum":
            options = [option for option in expected if option is not None]
            mend = ""
            if isinstance(value, str):
                mend = _other_name_hint(error, value) or did_you_mean(value, [str(option) for option in options])
            text = wanted or f"one of {', '.join(str(option) for option in options)}"
            yield None, code or "bad-value", f"{show(value)} is not {text}", mend or hint
        case "const":
            yield None, code or "bad-value", f"{show(value)} is not {wanted or show(expected)}", hint
        case "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties":
            yield None, code or "too-small", _limit_message(error, "at least", wanted), hint
        case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties":
            yield None, code or "too-large", _limit_message(error, "at most", wanted), hint
        case "uniqueItems" if isinstance(value, list):
            twice = next((item for index, item in enumerate(value) if item in value[:index]), None)
            yield None, code or "repeated-value", f"{show(twice)} is listed twice", "remove one of the two"
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
    """What each alternative asks for, where all they ask for is keys; else nothing."""
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
        yield None, code or "missing-key", f"{exactly} of {listed} must be given", hint or f"add {listed}"
    else:
        text = f"{' and '.join(given)} exclude each other"
        last = next(keys[0] for keys in reversed(asked) if all(key in value for key in keys))
        yield last, code or "conflicting-keys", text, hint or f"keep one of {listed}"


def _annotation(error: ValidationError, annotation: str) -> str:
    return str(_schema(error).get(annotation, ""))


def _schema(error: ValidationError) -> JSON:
    return error.schema if isinstance(error.schema, dict) else {}


def _other_name_hint(error: ValidationError, key: str) -> str:
    """The schema's own word on a key, or one of several values, that belongs elsewhere or is called otherwise."""
    said = _schema(error).get("x-instead", {})
    while isinstance(said, dict):
        if key in said:
            return str(said[key])
        if "$ref" not in said:
            return ""
        said = resolve({"$ref": said["$ref"]}, "job.schema.json")[0]
    return ""


def _indentation_hint(error: ValidationError, key: str, value: Any) -> str:
    """Where a key belongs whose value has the keys of another definition: a job that is not below `jobs`."""
    for parent, definition in _schema(error).get("x-indented", {}).items():
        known = resolve({"$ref": definition}, "job.schema.json")[0]["properties"]
        if isinstance(value, dict) and value and all(name in known for name in value):
            return f"if `{key}` is one of the `{parent}`, indent it and its keys by two spaces, below `{parent}:`"
    return ""


def _missing_key_hint(error: ValidationError, key: str) -> str:
    about = _schema(error).get("properties", {}).get(key, {})
    return f"add `{key}:`" + (f" {about['x-hint']}" if "x-hint" in about else "")


def _limit_message(error: ValidationError, comparison: str, wanted: str) -> str:
    counted = str(error.validator).endswith(("Length", "Items", "Properties"))
    if wanted:
        return f"{show(error.instance)} is not {wanted}"
    if counted and error.validator_value == 1 and comparison == "at least":
        return f"{show(error.instance)} is empty"
    return f"{show(error.instance)} must be {comparison} {error.validator_value}{' long' if counted else ''}"


def _alternatives(branches: list[dict[str, Any]]) -> Iterator[str]:
    for branch in branches:
        kind = branch.get("x-message") or branch.get("title") or branch.get("type")
        if isinstance(kind, str) and kind != "null":
            yield _TYPES.get(kind, kind)
