"""The schemas as a whole: they are valid, closed and documented, and define exactly the current language."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schema_tools import DOCUMENTS, FOLDER, REGISTRY, subschemas

PIPELINE_KEYS = """version description doc owner tags only schedule timezone start_date end_date catchup
    max_active_runs max_active_jobs timeout deadline alerts paused depends_on_past params params_env groups defaults
    jobs environments template with instances"""
JOB_KEYS = """resource_flavor docker_image command args script shell working_dir ports env env_from volumes
    depends_on trigger_rule when group matrix for_each teardown output retries timeout startup_timeout schedule_timeout
    termination_grace keep_pod pool pool_slots priority_weight service_account labels annotations node_selector
    tolerations affinity priority_class runtime_class image_pull_policy image_pull_secrets security_context
    pod_security_context host_aliases
    init_containers sidecars presets pod deferrable alerts inlets outlets uses with doc"""
WIRING_KEYS = {"depends_on", "matrix", "for_each", "teardown"}
"""Keys that connect jobs. They are allowed only at a job."""
POD_KEYS = """ports env env_from volumes startup_timeout termination_grace service_account labels annotations
    node_selector tolerations affinity priority_class runtime_class image_pull_policy image_pull_secrets
    security_context pod_security_context host_aliases init_containers sidecars pod"""
FLAVOR_KEYS = f"cpu memory gpu shm ephemeral_storage requests limits pool cost_per_hour next {POD_KEYS}"
GUARD_KEYS = """pod_security service_accounts secrets config_maps claims priority_classes runtime_classes schedulers
    pull_secrets pools node_selectors tolerations labels annotations presets templates limits"""
"""Rules that both environments and teams can set."""
ENVIRONMENT_KEYS = f"""version description extends vars cluster images flavors schedules alerts links timezone
    templating defaults {GUARD_KEYS}"""
TEAM_KEYS = f"namespace service_account flavors images max require defaults {GUARD_KEYS}"

EVERYTHING = [(name, pointer, schema) for name in DOCUMENTS for pointer, schema in subschemas(DOCUMENTS[name])]
OURS = [row for row in EVERYTHING if row[0] != "kubernetes.schema.json"]


def keys_of(name: str, *path: str) -> set[str]:
    found: Any = DOCUMENTS[name]
    for step in path:
        found = found[step]
    return set(found["properties"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_valid_and_has_the_name_of_its_file(name: str) -> None:
    document = DOCUMENTS[name]
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert document["$id"] == name
    assert document["title"]
    assert document["description"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_resolves(name: str) -> None:
    resolver = REGISTRY.resolver(base_uri=name)
    for pointer, schema in subschemas(DOCUMENTS[name]):
        if "$ref" in schema:
            assert isinstance(resolver.lookup(schema["$ref"]).contents, dict), pointer


def test_every_definition_is_used() -> None:
    used = {
        (schema["$ref"].split("#")[0] or name, schema["$ref"].split("/")[-1])
        for name, _, schema in EVERYTHING
        if "$ref" in schema
    }
    defined = {(name, key) for name, document in DOCUMENTS.items() for key in document.get("$defs", {})}
    assert defined == used


def test_references_name_files_of_this_folder() -> None:
    files = {schema["$ref"].split("#")[0] for _, _, schema in EVERYTHING if "$ref" in schema}
    assert files - {""} <= {path.name for path in FOLDER.iterdir()}


def test_the_language_has_exactly_these_keys() -> None:
    assert keys_of("pipeline.schema.json") == set(PIPELINE_KEYS.split())
    assert keys_of("pipeline.schema.json", "$defs", "overlay") == set(PIPELINE_KEYS.split()) - {
        "version",
        "only",
        "environments",
        "template",
        "instances",
    }
    assert keys_of("job.schema.json", "$defs", "job") == set(JOB_KEYS.split())
    assert keys_of("job.schema.json", "$defs", "defaults") == set(JOB_KEYS.split()) - WIRING_KEYS
    assert keys_of("flavors.schema.json") == {"version", "pools", "flavors"}
    assert keys_of("flavors.schema.json", "$defs", "flavor") == set(FLAVOR_KEYS.split())
    assert keys_of("environment.schema.json") == set(ENVIRONMENT_KEYS.split())
    assert keys_of("teams.schema.json") == {"version", "teams", "default"}
    assert keys_of("teams.schema.json", "$defs", "team") == set(TEAM_KEYS.split())


def test_a_key_that_is_used_in_several_places_has_one_definition() -> None:
    """`job`, `defaults` and `flavor` use the same reference for a key, so that it cannot differ."""
    definitions = DOCUMENTS["job.schema.json"]["$defs"]
    job = definitions["job"]["properties"]
    defaults = definitions["defaults"]["properties"]
    assert {key: schema for key, schema in job.items() if key not in WIRING_KEYS} == defaults
    flavor = DOCUMENTS["flavors.schema.json"]["$defs"]["flavor"]["properties"]
    for key in POD_KEYS.split():
        assert flavor[key] == {"$ref": f"job.schema.json{job[key]['$ref']}"}
    pipeline = DOCUMENTS["pipeline.schema.json"]
    for place in ("overlay", "defaults"):
        for key, schema in pipeline["$defs"][place]["properties"].items():
            assert key == "jobs" or schema == pipeline["properties"][key]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_objects_are_closed(name: str) -> None:
    for pointer, schema in subschemas(DOCUMENTS[name]):
        if "properties" in schema and "type" in schema and not pointer.endswith("/if"):
            closed = schema.get("additionalProperties") is False
            assert closed or pointer in ("/$defs/resources", "/$defs/matrix", "/$defs/max"), f"{name}{pointer}"


def described(name: str, schema: dict[str, Any]) -> str:
    """The description that editors show: of the schema, or of the schema that it refers to."""
    while not schema.get("description") and "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#")
        name = file or name
        schema = DOCUMENTS[name]
        for step in pointer.split("/")[1:]:
            schema = schema[step]
    return str(schema.get("description", ""))


def values_below(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a value that a user writes: of a key, of a free key of a map, or of an item of a list."""
    for pointer, schema in subschemas(DOCUMENTS[name]):
        for keyword in ("properties", "patternProperties"):
            for key, inner in schema.get(keyword, {}).items():
                yield f"{pointer}/{keyword}/{key}", inner
        for keyword in ("additionalProperties", "items"):
            if isinstance(schema.get(keyword), dict):
                yield f"{pointer}/{keyword}", schema[keyword]


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {"kubernetes.schema.json"}))
def test_every_value_is_described(name: str) -> None:
    missing = [pointer for pointer, schema in values_below(name) if "if" not in schema and not described(name, schema)]
    # The branches of a rule restrict a key that is described where it is defined.
    assert [pointer for pointer in missing if "/if/" not in pointer and "/then/" not in pointer] == []


def test_every_kubernetes_key_is_described() -> None:
    name = "kubernetes.schema.json"
    for pointer, schema in subschemas(DOCUMENTS[name]):
        for key, inner in schema.get("properties", {}).items():
            assert len(described(name, inner)) > 10, f"{pointer}/{key}"


@pytest.mark.parametrize(
    ("name", "pointer", "schema"),
    [row for row in OURS if row[1].count("/properties/") and row[1].rsplit("/", 2)[1] == "properties"],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hover_text_has_an_example(name: str, pointer: str, schema: dict[str, Any]) -> None:
    if "/if/" in pointer or "/then/" in pointer or pointer.endswith("/version"):
        return
    assert "Example" in described(name, schema)


def test_every_schema_that_can_fail_has_a_message() -> None:
    """Each subschema that a value can fail has the text of the message."""
    failing = {"type", "pattern", "enum", "const", "not", "oneOf", "anyOf", "dependentRequired", "minProperties"}
    for name, pointer, schema in OURS:
        if "/oneOf/" in pointer or pointer.split("/")[-1] in ("if", "not") or "/if/" in pointer:
            continue
        if failing & set(schema):
            assert schema.get("x-message") or schema.get("x-problem"), f"{name}{pointer}"
        if "oneOf" in schema or "anyOf" in schema:
            assert schema.get("x-message"), f"{name}{pointer}: the compiler would tell of each branch"


def test_annotations_are_known_and_well_formed() -> None:
    kinds: dict[str, Any] = {
        "x-code": str,
        "x-message": str,
        "x-problem": str,
        "x-hint": str,
        "x-indented": dict,
        "x-instead": dict,
        "x-merge": str,
        "x-templated": bool,
        "x-as-written": bool,
        "x-null": str,
        "x-ends": list,
        "x-static": bool,
        "x-files": str,
        "x-defines": str,
        "x-names": str,
    }
    for name, pointer, schema in EVERYTHING:
        for key, value in schema.items():
            if key.startswith("x-"):
                assert isinstance(value, kinds[key]), f"{name}{pointer}/{key}"
        code = schema.get("x-code", "ok")
        assert code == code.lower()
        assert set(code) <= set("abcdefghijklmnopqrstuvwxyz-")
        merge = schema.get("x-merge", "join")
        assert merge in ("join", "replace", "retain", "count") or merge.startswith("key:"), f"{name}{pointer}"
        if merge.startswith("key:"):
            file, _, reference = schema["items"]["$ref"].partition("#")
            item = DOCUMENTS[file or name]["$defs"][reference.split("/")[-1]]
            assert merge.removeprefix("key:") in item["required"]


def test_hints_are_lower_case_clauses_without_a_final_period() -> None:
    for name, pointer, schema in EVERYTHING:
        instead = {key: hint for key, hint in schema.get("x-instead", {}).items() if key != "$ref"}
        for hint in (schema.get("x-hint", "fix it"), *instead.values()):
            assert not hint[0].isupper(), f"{name}{pointer}: {hint}"
            assert not hint.endswith(".") or hint.endswith("..."), f"{name}{pointer}: {hint}"
            assert not re.search(r"[^.]\. ", hint), f"{name}{pointer}: {hint}"


def test_patterns_and_enums_have_texts_for_editors() -> None:
    for name, pointer, schema in OURS:
        if "pattern" in schema and not pointer.endswith("/if"):
            assert schema.get("errorMessage"), f"{name}{pointer}"
        if "errorMessage" in schema:
            said = schema["x-message"]
            assert schema["errorMessage"] == said[0].upper() + said[1:], f"{name}{pointer}"
            first = said.split()[0].strip(",")
            assert first not in schema.get("enum", ()), f"{name}{pointer}: a capital would be another value"
        if "enum" in schema:
            assert len(schema.get("enumDescriptions", ())) == len(schema["enum"]), f"{name}{pointer}"


def test_no_default_is_null() -> None:
    """yaml-language-server 1.25 stops completing when it meets such a default."""
    assert [pointer for _, pointer, schema in EVERYTHING if "default" in schema and schema["default"] is None] == []


def test_examples_are_single_values() -> None:
    """Editors offer them for completion, but cannot show a map or a list."""
    for name, pointer, schema in OURS:
        for example in schema.get("examples", ()):
            assert not isinstance(example, (dict, list)), f"{name}{pointer}"


def test_patterns_match_to_the_end_of_the_text() -> None:
    """In Python, `$` also matches before a final line break. In the compiled validator it does not."""
    for name, pointer, schema in OURS:
        pattern = schema.get("pattern", "")
        assert pattern.count("$") == pattern.count("$(?!\\n)") + pattern.count("|$)"), f"{name}{pointer}"


def test_names_from_other_tools_are_not_keys() -> None:
    for name, pointer, schema in EVERYTHING:
        if "x-instead" in schema:
            known = {*schema.get("properties", ()), *schema.get("enum", ())}
            assert known and not known & set(schema["x-instead"]), f"{name}{pointer}"
    words = {key: DOCUMENTS["job.schema.json"]["$defs"][key]["x-instead"] for key in ("job", "defaults")}
    assert words["job"].items() <= words["defaults"].items()


def test_names_are_defined_somewhere() -> None:
    """A value can refer only to names that the keys of a table define, or to templates."""
    defined = {schema["x-defines"] for _, _, schema in EVERYTHING if "x-defines" in schema}
    named = {schema["x-names"] for _, _, schema in EVERYTHING if "x-names" in schema}
    assert named - {"job-templates", "pipeline-templates"} <= defined


def test_every_schema_of_a_file_names_its_files() -> None:
    parts = {"job.schema.json", "kubernetes.schema.json", "template.schema.json"}
    assert {name for name, document in DOCUMENTS.items() if "x-files" in document} == set(DOCUMENTS) - parts


def test_the_merge_annotations_are_those_of_the_language() -> None:
    found = {
        (name.split(".")[0], pointer.removeprefix("/$defs/")): schema["x-merge"]
        for name, pointer, schema in OURS
        if "x-merge" in schema
    }
    assert found == {
        ("job", "env_from"): "join",
        ("job", "tolerations"): "join",
        ("job", "image_pull_secrets"): "join",
        ("pipeline", "tags"): "join",
        ("job", "host_aliases"): "join",
        ("job", "presets"): "join",
        ("job", "volumes"): "key:mount_path",
        ("job", "sidecars"): "key:name",
        ("job", "init_containers"): "key:name",
        ("job", "volume"): "replace",
        ("job", "env_value"): "replace",
        ("job", "retries"): "count",
        ("job", "for_each"): "replace",
        ("job", "teardown"): "replace",
        ("job", "inlets"): "join",
        ("job", "outlets"): "join",
        ("job", "asset"): "replace",
        ("pipeline", "schedule"): "replace",
        ("pipeline", "deadline"): "replace",
        ("pipeline", "param/properties/default"): "replace",
        ("pipeline", "param/properties/const"): "replace",
        ("pipeline", "param/properties/items"): "replace",
        ("flavors", "flavor/properties/gpu"): "replace",
    }


def test_null_is_a_value_only_in_these_places() -> None:
    found = {pointer for _, pointer, schema in EVERYTHING if schema.get("x-null") == "value"}
    overlay = {
        "/$defs/podPatch/properties/spec",
        "/$defs/podPatch/properties/metadata",
    }  # null removes a key of lower layers
    params = {"/$defs/param/properties/default", "/$defs/param/properties/const"}
    assert found == {"/$defs/schedule", *params} | overlay


def test_templates_are_rendered_where_the_operator_renders_them() -> None:
    keys = {
        pointer.removeprefix("/$defs/")
        for name, pointer, schema in EVERYTHING
        if schema.get("x-templated") and name == "job.schema.json" and pointer.count("/") == 2
    }
    parts = {"argument", "env_value", "label_value", "templated_object_name"}
    language = "docker_image command args script when env labels annotations node_selector volumes"
    assert keys - parts == set(language.split())


def test_kubernetes_schemas_match_the_installed_client() -> None:
    pytest.importorskip("kubernetes")
    written = (FOLDER / "kubernetes.schema.json").read_text("utf-8")
    code = "from scripts import kubernetes_schema; print(kubernetes_schema.text(), end='')"
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(made.stdout) == json.loads(written)
    assert made.stdout == written, "run: python scripts/kubernetes_schema.py"


def test_trigger_rules_match_the_installed_airflow() -> None:
    pytest.importorskip("airflow")
    code = "from airflow.task.trigger_rule import TriggerRule; print(*(rule.value for rule in TriggerRule))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    airflows = set(made.stdout.splitlines()[-1].split())
    ours = set(DOCUMENTS["job.schema.json"]["$defs"]["trigger_rule"]["enum"]) - {None}
    # Airflow gives this rule to a teardown itself.
    assert ours == airflows - {"all_done_setup_success"}
