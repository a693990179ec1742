"""``dagf schema``: what it writes, when a schema is out of date, and what it does with broken tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from dag_factory.cli.main import main
from dag_factory.config.schema import registry as schemas

FLAVORS = "version: 1\nflavors:\n  small: {cpu: 1, memory: 1Gi}\n  large: {cpu: 8, memory: 8Gi}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path, "platform/flavors.yaml", FLAVORS)
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\n")
    write(tmp_path, "pipelines/team/flow.yaml", "version: 1\njobs: {first: {}, second: {}}\n")
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def schema(home: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["schema", "--home", str(home), *options])


def read_schema(home: Path, name: str = "job") -> Any:
    return json.loads((home / f".dagf/schemas/{name}.schema.json").read_text("utf-8"))


def flavors(home: Path) -> list[str]:
    found = read_schema(home)["$defs"]["resource_flavor"]
    return [name for name in found["anyOf"][0]["enum"] if name] if "anyOf" in found else []


def test_writes_every_schema_and_prints_the_settings_for_an_editor(home: Path) -> None:
    result = schema(home)
    assert result.exit_code == 0
    assert {path.name for path in (home / ".dagf/schemas").iterdir()} == set(schemas.documents())
    assert "2 flavors" in result.stdout
    assert '"./.dagf/schemas/pipeline.schema.json": "configs/pipelines/**/*.yaml"' in result.stdout
    assert flavors(home) == ["small", "large"]


def test_writes_only_schemas_that_changed(home: Path) -> None:
    schema(home)
    before = {path: path.stat().st_mtime_ns for path in (home / ".dagf/schemas").iterdir()}
    assert "Nothing has changed" in schema(home).stdout
    write(home, "pipelines/team/more.yaml", "version: 1\njobs: {third: {}}\n")
    assert "Wrote 1 of" in schema(home).stdout
    assert [path.name for path, time in before.items() if path.stat().st_mtime_ns != time] == ["pipeline.schema.json"]


def test_check_lists_outdated_schemas_and_writes_nothing(home: Path) -> None:
    result = schema(home, "--check")
    assert result.exit_code == 1
    assert "run: dagf schema" in result.stdout
    assert not (home / ".dagf").exists()
    schema(home)
    assert schema(home, "--check").exit_code == 0
    write(home, "platform/flavors.yaml", FLAVORS.replace("small", "tiny"))
    assert schema(home, "--check").exit_code == 1
    assert flavors(home) == ["small", "large"]


def test_out_selects_another_folder(home: Path) -> None:
    assert (
        '"./schemas/flavors.schema.json": "configs/platform/flavors.yaml"'
        in schema(home, "--out", str(home / "schemas")).stdout
    )
    assert (home / "schemas/job.schema.json").exists()


def test_the_source_schemas_are_not_overwritten(home: Path) -> None:
    result = schema(home, "--out", str(schemas.folder()))
    assert result.exit_code == 2
    assert "name another folder" in result.output


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (FLAVORS.replace("cpu: 1,", "cpus: 1, ram: -1,"), ["small", "large"]),
        (FLAVORS.replace("version: 1", "version: 7"), ["small", "large"]),
        ("version: 1\nflavors: [a]\n", []),
        ("version: 1\nflavors: {a: {cpu: 1}\n", []),
        ("", []),
    ],
)
def test_a_broken_table_loses_at_most_its_own_names(home: Path, text: str, names: list[str]) -> None:
    write(home, "platform/flavors.yaml", text)
    result = schema(home)
    assert result.exit_code == 0
    assert flavors(home) == names
    assert {"first", "second"} <= jobs(home)


def jobs(home: Path) -> set[str]:
    rules = read_schema(home, "pipeline")["allOf"]
    return {rule["if"]["properties"]["jobs"]["required"][0] for rule in rules if "jobs" in rule["if"]["properties"]}


def test_an_unreadable_table_is_reported(home: Path) -> None:
    write(home, "platform/flavors.yaml", "a: [\n")
    assert "configs/platform/flavors.yaml cannot be read" in schema(home).stderr


def test_output_does_not_depend_on_the_hash_seed(home: Path) -> None:
    texts = set()
    for seed in ("1", "2"):
        folder = home / seed
        command = [sys.executable, "-c", "from dag_factory.cli.main import main; main()", "schema", "--home", str(home)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([*command, "--out", str(folder)], env=environment, check=True, capture_output=True, timeout=600)
        texts.add("".join(path.read_text("utf-8") for path in sorted(folder.iterdir())))
    assert len(texts) == 1


def test_schemas_accept_what_the_compiler_accepts(home: Path) -> None:
    """Values that the compiler accepts are valid; of names, only those of the project are."""
    schema(home)
    documents = {name: read_schema(home, name.removesuffix(".schema.json")) for name in schemas.documents()}
    registry = jsonschema_rs.Registry(list(documents.items()))
    validator = jsonschema_rs.Draft202012Validator({"$ref": "pipeline.schema.json"}, registry=registry)
    job = {"resource_flavor": "small", "timeout": "${{ vars.t }}", "retries": "${{ vars.n }}"}
    good = {"version": 1, "jobs": {"a": job, "b": {"depends_on": ["a", "not-saved-yet"], "resource_flavor": None}}}
    assert validator.is_valid(good)
    assert not validator.is_valid({"version": 1, "jobs": {"a": {"resource_flavor": "smal"}}})
    assert not validator.is_valid({"version": 1, "jobs": {"a": {"timeout": "{{ ds }}"}}})


def test_a_value_may_be_a_name_or_an_inline_definition(home: Path) -> None:
    write(home, "platform/retries.yaml", "version: 1\nrules: {transient: {retries: 3}}\n")
    write(home, "platform/alerts.yaml", "version: 1\nchannels: {oncall: {webhook: {connection: c}}}\n")
    assert "1 retry rule" in schema(home).stdout
    documents = {name: read_schema(home, name) for name in ("job", "kubernetes")}
    registry = jsonschema_rs.Registry([(f"{name}.schema.json", document) for name, document in documents.items()])
    check = jsonschema_rs.Draft202012Validator({"$ref": "job.schema.json"}, registry=registry)
    for value in ("transient", 3, {"retries": 3, "delay": "30s"}, None, "${{ vars.rule }}"):
        assert check.is_valid({"retries": value}), value
    for value in ("transiant", 1.5, {"rule": "transient"}, 101):
        assert not check.is_valid({"retries": value}), value
    assert check.is_valid({"alerts": {"on_failure": ["oncall"]}})
    assert not check.is_valid({"alerts": {"on_failure": ["nobody"]}})
