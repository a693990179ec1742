"""JSON Schemas in files: of params and of inputs of templates."""

from __future__ import annotations

import json

import pytest
from written import ENVIRONMENT, Written

from dag_factory.config.schema import param_schemas

SECRET = "root:x:0:0"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "file:///etc/passwd", "#", "#/$defs/x", "job.schema.json"])
@pytest.mark.parametrize("key", ["$ref", "$dynamicRef", "$schema"])
def test_a_schema_cannot_refer_to_another(key: str, address: str) -> None:
    for schema in (
        {key: address},
        {"items": {"anyOf": [{"properties": {"a": {key: address}}}]}},
        *(
            {names: {"default": {key: address}}}
            for names in ("properties", "$defs", "dependentSchemas", "dependencies")
        ),
        {"patternProperties": {"enum": {"properties": {"properties": {key: address}}}}},
    ):
        with pytest.raises(ValueError, match="is not supported"):
            param_schemas.validator(schema)


def test_data_can_contain_the_names_of_keywords() -> None:
    assert not param_schemas.find_error({"default": {"$ref": "x"}, "properties": {"$ref": {"type": "string"}}}, {})


def test_a_param_cannot_read_a_file() -> None:
    written = Written("params: {a: {type: array, default: [], items: {$ref: 'file:///etc/passwd'}}}")
    assert written.problems() == ["bad-param 1:10 params.a"]
    assert "`$ref` is not supported" in written.said() and SECRET not in written.said()


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        ("{type: string, default: x, format: dat}", "did you mean `date`?"),
        ("{type: array, default: [], items: {type: string, format: emial}}", "did you mean `email`?"),
    ],
)
def test_a_format_that_does_not_exist_is_reported(schema: str, hint: str) -> None:
    written = Written(f"params: {{a: {schema}}}\njobs: {{a: {{}}}}")
    assert written.problems() == ["bad-param 1:10 params.a"]
    assert "does not exist" in written.said()
    assert hint in written.said()


def test_a_property_named_format_is_no_format() -> None:
    assert not param_schemas.find_error({"properties": {"format": {"type": "string"}}}, {"format": "dat"})


@pytest.mark.parametrize("name", ["date-time", "uri", "multiline", "password", "color-hex"])
def test_formats_of_json_schema_and_of_the_trigger_form_are_accepted(name: str) -> None:
    written = Written(f"params: {{a: {{type: [string, 'null'], default: null, format: {name}}}}}\njobs: {{a: {{}}}}")
    assert written.problems() == []


def template(inputs: str) -> Written:
    text = f"version: 1\ninputs: {inputs}\n---\ndocker_image: image\nresource_flavor: small\n"
    files = {"platform/templates/jobs/odd/v1.yaml.j2": text}
    return Written("jobs: {a: {uses: odd@v1, with: {x: 1}}}", environments={"dev": ENVIRONMENT}, files=files)


@pytest.mark.parametrize(
    "inputs",
    [
        "{x: {$ref: 'file:///etc/passwd'}}",
        "{x: {type: strin}}",
        "{x: {pattern: '('}}",
        "{x: 3}",
        "{type: object, properties: {x: {}}, required: 3}",
        "{type: object, properties: {x: {}}, required: [[a]]}",
    ],
)
def test_an_input_without_a_valid_schema_is_a_problem_of_the_template(inputs: str) -> None:
    codes = {problem.code for problem in template(inputs).surveyed().problems}
    assert codes == {"bad-template-file", "broken-template"}
    assert all(problem.line and problem.hint for problem in template(inputs).surveyed().problems)


def test_an_input_can_have_any_value() -> None:
    assert template("{x: true}").problems() == []


def test_a_pattern_that_backtracks_is_limited() -> None:
    assert param_schemas.find_slow_pattern({"type": "string", "pattern": "^(a+)+$"}, "a" * 60 + "!")


TRAPS = [
    "^(a+)+$",
    r"^(\w+\s?)*$",
    "^([a-z0-9]+[-_]?)*$",
    "^s3://([a-z]+/?)*$",
    r"^(\d+\.?)+$",
    "(a|a)*b",
    "(?:a|ab|b)*c",
    "^([^,]+,?)+$",
    "((a?)*)*z",
    "^(?=(a+)+$)",
    "^([^/]+/?)+$",
    '^("[^"]*"|[^"]+)+$',
    r"^([^\d]+)+$",
    "^(?:#?[^#]+)*$",
    "^(?:a|aa)+$",
    r"^(\w{0,20}\s?){20}$",
    r"^([a-z0-9])(([-.]|[_]+)?([a-z0-9]+))*@[a-z0-9]+[.](([a-z]{2,3})|([a-z]{2,3}[.][a-z]{2,3}))$",
]
SAFE = [
    r"^\d{4}-\d{2}-\d{2}$",
    "^[a-z0-9]+(?:-[a-z0-9]+)*$",
    r"^([a-z]+\.)*[a-z]+$",
    "^s3://[a-z0-9.-]+(/[^/]+)*/?$",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "^(de|fr|uk)(,(de|fr|uk))*$",
    r"^\w+( \w+)*$",
    r"^v?\d+(\.\d+)*(-[a-z0-9]+)?$",
    "(.*)(.*)x$",
    r"^(\d{1,3}\.){3}\d{1,3}$",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$",
    r"^([A-Z]{3})(,[A-Z]{3}){0,9}$",
    r"^(\*|[0-9,-]+)( (\*|[0-9,-]+)){4}$",
    r"^(?!.*\.\.)[a-z/.]+$",
    "(((((((a{60}){60}){60}){60}){60}){60}){60})*$",
]


@pytest.mark.parametrize("pattern", TRAPS)
def test_a_pattern_with_exponential_time_is_reported(pattern: str) -> None:
    written = Written(f"params: {{a: {{type: string, default: '', pattern: {json.dumps(pattern)}}}}}")
    assert "bad-param 1:10 params.a" in written.problems()
    assert "takes exponential time on input such as" in written.said()


@pytest.mark.parametrize("name", ["default", "const", "enum", "examples", "pattern"])
def test_a_property_with_the_name_of_a_keyword_hides_nothing(name: str) -> None:
    schema = {"properties": {name: {"pattern": "^((a+)+$|.*)"}}}
    assert param_schemas.find_slow_pattern(schema, {name: "a" * 60 + "!"})
    assert param_schemas.find_exponential_pattern(schema)


@pytest.mark.parametrize("pattern", SAFE)
def test_a_fast_pattern_is_not_reported(pattern: str) -> None:
    assert param_schemas.find_exponential_pattern({"items": {"pattern": pattern}}) is None


@pytest.mark.parametrize(
    "param",
    [
        "{type: number, multipleOf: 0.01, default: 4.35}",
        "{type: string, format: regex, default: '[^]'}",
        "{type: string, pattern: '^\\\\s$', default: \"\\uFEFF\"}",
        "{type: array, items: {type: integer}, default: [a]}",
    ],
)
def test_a_default_that_airflow_rejects_is_reported_with_its_line(param: str) -> None:
    (problem,) = Written(f"params: {{a: {param}}}").problems()
    assert problem.startswith("bad-default 1:")


SLOW = {
    "many schemas": "items: {allOf: [&a {type: integer}" + ", *a" * 20_000 + "]}, default: [" + "1, " * 900 + "1]",
    "many patterns": "items: {allOf: [&a {pattern: '^(?!(xx|xxx)+y)(x|xx)*[xyz]*$'}"
    + ", *a" * 12_000
    + "]}, default: ["
    + "xxxxxxxxxxxxxxxx, " * 900
    + "x]",
}


@pytest.mark.parametrize("param", SLOW.values(), ids=SLOW)
def test_params_that_are_slow_to_validate_are_reported(param: str) -> None:
    (problem,) = Written(f"params: {{a: {{{param}}}}}").problems()
    assert problem.startswith("bad-")
