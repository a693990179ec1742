"""The inputs of a template as one JSON Schema: relations between inputs, positions of errors, and limits."""

from __future__ import annotations

import pytest

from dag_factory.config.positions import Position
from dag_factory.config.source.yaml_reader import read
from dag_factory.config.templates.inputs import read_input_schema, validate_inputs
from dag_factory.config.tree import MapNode

WHOLE = """
type: object
required: [model]
properties:
  model: {type: string, description: Which model.}
  depth: {type: integer, minimum: 1, default: 3}
  query: {type: string}
  file: {type: string}
  user: {type: string}
  host: {type: string}
  parts: {type: array, items: {type: string}}
  limits:
    type: object
    required: [low]
    properties: {low: {type: number, x-message: a number from 0, x-hint: see the docs}}
oneOf: [{required: [query]}, {required: [file]}]
dependentRequired: {user: [host]}
"""
CALLER = Position("flow.yaml", 7, 3)


def schema_of(text: str) -> tuple[dict, list[str]]:
    node, problems = read(text, "v1.yaml.j2")
    assert not problems
    schema, wrong = read_input_schema(node)
    return schema, [
        f"{problem.code} {problem.line}:{problem.column} {problem.path}: {problem.message}" for problem in wrong
    ]


def reported(given: str, schema: str = WHOLE) -> list[str]:
    node, problems = read(given, "flow.yaml")
    assert not problems
    _, found = validate_inputs("it@v1", schema_of(schema)[0], node, CALLER, ("with",))
    return [f"{one.code} {one.line}:{one.column} {one.path}: {one.message} -- {one.hint}" for one in found]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{model: a, query: q}", ""),
        ("{query: q}", "missing-input 7:3 with: the template `it@v1` needs the input `model` -- add `model:` under"),
        ("{model: a}", "missing-input 7:3 with: the template `it@v1`: exactly one of `query` and `file` is required"),
        ("{model: a, query: q,\n file: f}", "bad-input 2:2 with.file: {}`query` and `file` cannot be used together"),
        ("{model: a, query: q, user: me}", "bad-input 1:22 with.user: {}`user` also needs `host` -- add `host`"),
        (
            "{model: a, query: q, depth: 0}",
            "bad-input 1:29 with.depth: {}`0` must be at least 1 -- use another value",
        ),
        ("{model: [], query: q}", "bad-input 1:9 with.model: {}`[]` is not text -- Which model."),
        (
            "{model: a, query: q, limits: {low: x}}",
            "bad-input 1:36 with.limits.low: {}`x` is not a number from 0 -- see",
        ),
        ("{model: a, query: q, limits: {}}", "bad-input 1:30 with.limits: {}the key `low` is missing -- add `low:`"),
        ("{model: a, query: q, limit: 1}", "unknown-input 1:22 with.limit: the template `it@v1` has no input `limit`"),
    ],
)
def test_a_call_is_validated_against_the_whole_schema(given: str, expected: str) -> None:
    name = expected.partition("with.")[2].partition(":")[0].partition(".")[0]
    wanted = expected.replace("{}", f"the input `{name}` of `it@v1`: ")
    found = reported(given)
    assert len(found) == bool(expected) and all(line.startswith(wanted) for line in found), found


def test_an_input_of_type_string_is_the_text_of_the_file() -> None:
    node, _ = read("{model: 1.10, query: yes, parts: [1.0, true, x], depth: 5}", "flow.yaml")
    values, problems = validate_inputs("it@v1", schema_of(WHOLE)[0], node, CALLER, ("with",))
    assert not problems
    assert values == {"model": "1.10", "query": "yes", "parts": ["1.0", "true", "x"], "depth": 5}


def test_an_error_of_a_default_is_reported_at_the_caller() -> None:
    schema = "{a: {type: integer, default: many}, b: {}}"
    assert [line.split(":")[0] for line in reported("{b: 1}", schema)] == ["bad-input 7"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{a: {type: strin}}",
            "bad-template-file 1:2 inputs.a.type: the schema of the input `a` is not a valid JSON Schema: 'strin'",
        ),
        (
            "{type: object, properties: {a: {type: strin}}}",
            "bad-template-file 1:39 inputs.properties.a.type: the schema of the input `a` is not",
        ),
        (
            "{a: {pattern: '('}}",
            "bad-template-file 1:2 inputs.a.pattern: the schema of the input `a` is not a valid JSON Schema",
        ),
        (
            "{a: {$ref: 'http://127.0.0.1:9/x'}}",
            "bad-template-file 1:1 inputs: the schema of the inputs is not a valid JSON Schema",
        ),
        (
            "{a: {$ref: 'file:///etc/passwd'}}",
            "bad-template-file 1:1 inputs: the schema of the inputs is not a valid JSON Schema",
        ),
        (
            "{a: {$ref: '#/$defs/none'}}",
            "bad-template-file 1:1 inputs: the schema of the inputs is not a valid JSON Schema: Pointer",
        ),
        (
            "{type: object, oneOf: 1, properties: {}}",
            "bad-template-file 1:23 inputs.oneOf: the schema of the inputs is not a valid",
        ),
    ],
)
def test_an_invalid_schema_is_reported_in_the_template(text: str, expected: str) -> None:
    schema, found = schema_of(text)
    assert len(found) == 1 and found[0].startswith(expected), found
    assert schema["properties"] == {}


def test_a_schema_can_refer_to_itself() -> None:
    schema = "{type: object, properties: {a: {$ref: '#/$defs/b'}}, $defs: {b: {type: integer}}}"
    assert reported("{a: 1}", schema) == []
    assert reported("{a: x}", schema)[0].startswith(
        "bad-input 1:5 with.a: the input `a` of `it@v1`: `x` is not a whole number"
    )


def test_an_endless_schema_is_a_problem() -> None:
    schema = "{type: object, properties: {a: {}}, allOf: [{$ref: '#/allOf/0'}, {required: [a]}]}"
    found = reported("{}", schema)
    assert [line.split(" ")[0] for line in found] == ["broken-template"] or found[0].startswith("missing-input")
    assert isinstance(read("{}", "x")[0], MapNode)
