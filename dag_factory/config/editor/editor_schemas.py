"""Schemas for editors: those of ``schemas/`` with the names of one project.

A key that takes a name (``x-names``) offers a list of names. ``with`` offers the inputs of the template that is called.
A job's name is offered if the same file has that job. JSON Schema cannot read a neighboring key in general, so there is
a rule for each job name of the project: *if* this file has the job, its name is offered. A value with an expression is
not marked as an error, because it may still become valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from dag_factory.config.editor.project_names import TEMPLATES, ProjectNames
from dag_factory.config.schema import registry
from dag_factory.config.schema.registry import JSON
from dag_factory.config.templates.template import Template

_EXPRESSION = "\\$\\{[{%]"
_UNSET = "Unset the value of earlier layers."
_CALLS = {"job-templates": "uses", "pipeline-templates": "template"}
_CONDITIONS = ("if", "not", "oneOf")
_MAX_JOBS = 5_000
_PIPELINE = "pipeline.schema.json"
_JOB = "job.schema.json"


def editor_schemas(words: ProjectNames) -> dict[str, str]:
    """The text of each schema by its file name. Equal names give equal texts."""
    made = {name: _schema(document, name, words) for name, document in registry.documents().items()}
    job, pipeline = made[_JOB]["$defs"], made[_PIPELINE]
    calls, family = [*_inputs(words, "job-templates")], [*_inputs(words, "pipeline-templates")]
    for place, rules in ((job["job"], calls), (job["defaults"], calls), (pipeline, [*family, *_jobs(words)])):
        if rules:
            place["allOf"] = [*place.get("allOf", ()), *rules]
    note = "Written by `dagf schema`, with the names of this project. Do not edit; run it again."
    return {
        name: json.dumps({**document, "$comment": note}, ensure_ascii=False, indent=1) + "\n"
        for name, document in made.items()
    }


def _schema(schema: Any, base: str, words: ProjectNames) -> Any:
    """A schema with the project's names that also accepts expressions."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-names") in words.names and schema["x-names"] != "jobs":
        return _choice({**registry.resolve(schema, base)[0], **schema}, words.names[schema["x-names"]])
    made = {
        key: value if key in _CONDITIONS else _below(key, value, lambda inner: _schema(inner, base, words))
        for key, value in schema.items()
        if key != "default"  # the language server would insert all of them into a new map
    }
    named = schema.get("propertyNames", {}).get("x-names") if isinstance(schema.get("propertyNames"), dict) else None
    if named in words.names:
        entry = schema.get("additionalProperties", {})
        about = {name: {"description": line, **entry} if line else entry for name, line in words.names[named].items()}
        made["properties"] = {**about, **made.get("properties", {})}
    return _accepting_expressions(made) if "x-message" in made and not made.get("x-static") else made


def _below(key: str, value: Any, change: Callable[[Any], Any]) -> Any:
    if key in ("properties", "patternProperties", "$defs"):
        return {name: change(inner) for name, inner in value.items()}
    if key in ("allOf", "anyOf"):
        return [change(inner) for inner in value]
    return change(value) if key in ("additionalProperties", "items", "propertyNames", "then", "else") else value


def _choice(schema: JSON, names: dict[str, str]) -> JSON:
    """A choice of names; also an expression, where expressions are allowed."""
    dropped = ("$ref", "$comment", "pattern", "minLength", "maxLength", "examples")
    made = {key: value for key, value in schema.items() if key not in dropped}
    kinds = made.pop("type", "string")
    null = "null" in kinds
    choice = {"enum": [*names, *[None] * null], "enumDescriptions": [*names.values(), *[_UNSET] * null]}
    others = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind not in ("string", "null")]
    if others:  # the value may also be of another type
        about: JSON = {key: made[key] for key in ("title", "description", "errorMessage") if key in made}
        return {**about, "anyOf": [choice, {**made, "type": others}, _expression()]}
    return {**made, **choice} if made.get("x-static") else {**made, "anyOf": [choice, _expression()]}


def _accepting_expressions(schema: JSON) -> JSON:
    """The schema, which also accepts an expression: its value is known only later."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "enum" in schema:
        choice = {key: schema.pop(key) for key in ("enum", "enumDescriptions") if key in schema}
        return {**schema, "anyOf": [choice, _expression()]}
    if kinds and "string" not in kinds:
        return {**schema, "type": [*kinds, "string"], "pattern": _EXPRESSION}
    if "pattern" in schema:
        return {**schema, "pattern": f"(?:{schema['pattern']})|{_EXPRESSION}"}
    return schema


def _expression() -> JSON:
    return {"type": "string", "pattern": _EXPRESSION}


def _inputs(words: ProjectNames, table: str) -> Iterator[JSON]:
    """Yield a rule for each template: where it is called, ``with`` has its inputs."""
    for name, template in words.templates[table].items():
        called = {"properties": {_CALLS[table]: {"const": name}}, "required": [_CALLS[table]]}
        inputs = {
            "properties": {key: _input(template, key) for key in sorted(template.inputs)},
            "additionalProperties": False,
        }
        then: JSON = {"with": inputs}
        if TEMPLATES[table] == "pipelines":
            then["instances"] = {"additionalProperties": inputs}
        yield {"if": called, "then": {"properties": then}}


def _input(template: Template, key: str) -> JSON:
    """What an editor shows for an input. The compiler validates the value once it is computed."""
    schema = template.inputs[key] if isinstance(template.inputs[key], dict) else {}
    about = str(schema.get("description", ""))
    required = "Required." if key in template.required else ""
    default = f"Default: {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else ""
    made: JSON = {"description": " ".join(part for part in (about, required, default) if part)}
    choices = schema.get("enum", [True, False] if schema.get("type") == "boolean" else [])
    if choices:
        made["defaultSnippets"] = [{"label": json.dumps(choice).strip('"'), "body": choice} for choice in choices]
    return made


def _jobs(words: ProjectNames) -> Iterator[JSON]:
    """Yield a rule for each job name: a file with the job offers its name, also under ``environments``."""
    places = list(_job_references(registry.documents()[_JOB]["$defs"]["job"], _JOB))
    for name in list(words.names.get("jobs", ()))[:_MAX_JOBS]:
        offer: JSON = {"defaultSnippets": [{"label": name, "body": name, "description": "A job of this pipeline."}]}
        one: JSON = {}
        for place in places:
            _set(one, place, offer)
        jobs = {"jobs": {"additionalProperties": one}}
        has = {"properties": {"jobs": {"type": "object", "required": [name]}}, "required": ["jobs"]}
        then = {"properties": {**jobs, "environments": {"additionalProperties": {"properties": jobs}}}}
        yield {"if": has, "then": then}


def _job_references(schema: JSON, base: str) -> Iterator[tuple[str, ...]]:
    """Yield where a job names other jobs: steps into a schema, such as ``properties``, ``depends_on``, ``items``."""
    resolved, base = registry.resolve(schema, base)
    if base != _JOB:  # a Kubernetes schema
        return
    schema = {**resolved, **schema}
    if schema.get("x-names") == "jobs":
        yield ()
    for key, inner in schema.get("properties", {}).items():
        yield from (("properties", key, *rest) for rest in _job_references(inner, base))
    if isinstance(schema.get("items"), dict):
        yield from (("items", *rest) for rest in _job_references(schema["items"], base))


def _set(schema: JSON, steps: tuple[str, ...], leaf: JSON) -> None:
    for step in steps:
        schema = schema.setdefault(step, {})
    schema.update(leaf)
