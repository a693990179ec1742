"""Every kind of file of an older version is read, with a warning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from table_project import MINIMAL, PIPELINE, Project

from dag_factory.config.pipelines import compile_file
from dag_factory.config.platform.read_tables import read_tables
from dag_factory.config.schema import registry
from dag_factory.config.source import migrations
from dag_factory.config.source.migrations import Migration
from dag_factory.config.tree import MapNode, map_node

# For each kind of file: its name in a project, the key that version 0 called `about`, and text of version 0.
KINDS = {
    "pipeline.schema.json": ("pipelines/team/flow", "description", PIPELINE + "about: x\n"),
    "environment.schema.json": ("environments/dev", "description", "version: 1\nabout: x\n"),
    "retries.schema.json": ("retries", "rules", "version: 1\nabout: {transient: {retries: 2}}\n"),
    "teams.schema.json": ("teams", "teams", "version: 1\nabout: {team: {require: [owner]}}\n"),
    "presets.schema.json": ("presets", "presets", "version: 1\nabout: {net: {env: {A: b}}}\n"),
    "alerts.schema.json": ("alerts", "channels", "version: 1\nabout: {ops: {webhook: {connection: c}}}\n"),
    "template.schema.json": (
        "templates/jobs/greet/v1.yaml.j2",
        "description",
        "version: 1\nabout: x\ninputs: {}\n---\nrun: echo\n",
    ),
    "flavors.schema.json": ("flavors", "flavors", "version: 1\nabout: {small: {cpu: 1, memory: 1Gi}}\n"),
}
EVERY_KIND = [name for name, schema in registry.documents().items() if "version" in schema.get("properties", {})]


def renaming(old: str, new: str) -> Migration:
    """A migration that renames a key, made up for these tests."""

    def change(document: MapNode) -> MapNode:
        entries = {new if key == old else key: node for key, node in document.entries.items()}
        keys = {new if key == old else key: position for key, position in document.keys.items()}
        return map_node(entries, keys, document.position)

    return Migration(change, f"`{new}` for `{old}`")


# The keys of a pipeline that need the file.
USES = {
    "retries.schema.json": "jobs: {a: {retries: transient}}\n",
    "teams.schema.json": "owner: me\n",
    "presets.schema.json": "jobs: {a: {presets: [net]}}\n",
    "alerts.schema.json": "alerts: {on_failure: [ops]}\n",
    "template.schema.json": "jobs: {a: {uses: greet@v1}}\n",
}


def project(schema: str, version: str) -> Project:
    name, _, text = KINDS[schema]
    user = {"pipelines/team/flow": PIPELINE + USES.get(schema, "")}
    return Project({**MINIMAL.files, **user, name: text.replace("version: 1", f"version: {version}")})


def file_name(name: str) -> str:
    return name.split("/")[-1] + ("" if name.endswith(".j2") else ".yaml")


@pytest.fixture(autouse=True)
def _empty_caches() -> Iterator[None]:
    """Trees are cached in the process, so a migration that a test adds would not run."""
    for cached in (compile_file.read_source, read_tables):
        cached.cache_clear()
    yield
    for cached in (compile_file.read_source, read_tables):
        cached.cache_clear()


@pytest.fixture
def version_0(monkeypatch: pytest.MonkeyPatch) -> None:
    for schema, (_, key, _) in KINDS.items():
        monkeypatch.setitem(migrations.MIGRATIONS, (schema, 0), renaming("about", key))
    monkeypatch.setitem(migrations.MIGRATIONS, ("job.schema.json", 0), renaming("run", "script"))


def test_no_migration_exists_yet() -> None:
    assert migrations.CURRENT == 1
    assert migrations.MIGRATIONS == {}


@pytest.mark.usefixtures("version_0")
@pytest.mark.parametrize("schema", EVERY_KIND)
def test_every_kind_of_file_can_be_migrated(schema: str) -> None:
    name, key, _ = KINDS[schema]
    old = project(schema, "0")
    assert old.problems() == [f"old-version {file_name(name)}:1:10 version"]
    assert f"write `version: 1` and `{key}` for `about`" in old.messages()
    assert old.compile().problems[0].severity == "warning"
    assert len(old.pipelines()) == 1


@pytest.mark.usefixtures("version_0")
def test_migration_keeps_positions() -> None:
    wrong = project("pipeline.schema.json", "0").with_files(
        pipelines__team__flow="version: 0\ndefaults: {docker_image: i, resource_flavor: small}\nabout: [1]\n"
    )
    assert wrong.problems() == ["old-version flow.yaml:1:10 version", "wrong-type flow.yaml:3:8 description"]


@pytest.mark.usefixtures("version_0")
@pytest.mark.parametrize("schema", EVERY_KIND)
def test_a_newer_version_names_the_command(schema: str) -> None:
    newer = project(schema, "2")
    assert "unknown-version" in newer.problems()[0] or "unknown-version" in newer.problems()[-1]
    assert "`git pull`, then `pip install .`" in newer.messages()
    assert not newer.pipelines()


@pytest.mark.parametrize("schema", EVERY_KIND)
@pytest.mark.parametrize("version", ["0", "-1", "true", "one", "1.5", "null", "[1]"])
def test_invalid_version_is_rejected(schema: str, version: str) -> None:
    assert any(problem.startswith("unknown-version") for problem in project(schema, version).problems())


def test_migrations_run_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = "pipeline.schema.json"
    monkeypatch.setitem(migrations.MIGRATIONS, (schema, -1), renaming("about", "summary"))
    monkeypatch.setitem(migrations.MIGRATIONS, (schema, 0), renaming("summary", "description"))
    old = project(schema, "-1")
    assert old.compile().pipelines[0].description == "x"
    assert "`summary` for `about`, `description` for `summary`" in old.messages()


def test_version_without_a_migration_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = "pipeline.schema.json"
    monkeypatch.setitem(migrations.MIGRATIONS, (schema, -1), renaming("about", "description"))
    assert project(schema, "-1").problems()[0].startswith("unknown-version")


@pytest.mark.usefixtures("version_0")
def test_output_of_an_old_template_is_migrated() -> None:
    (job,) = project("template.schema.json", "0").compile().pipelines[0].jobs
    assert job.command == ("/bin/sh", "-ec", "echo")
