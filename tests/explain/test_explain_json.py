"""``dagf explain --json`` follows ``schemas/explain.json``, and the page describes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema_rs
import pytest
from click.testing import CliRunner
from test_explain_command import FILES, FLOW

from dag_factory.cli.main import main
from dag_factory.config.schema import registry
from dag_factory.explain.json_document import VERSION
from dag_factory.explain.model import KINDS, Rule

SCHEMA = json.loads((registry.folder() / "explain.json").read_text("utf-8"))
PAGE = (Path(__file__).parents[2] / "docs/explain.md").read_text("utf-8")
FLAVORS = """\
version: 1
flavors:
  small: {cpu: 1, memory: 1Gi, next: large}
  large: {cpu: 4, memory: 8Gi, requests: {cpu: 2}, next: huge, env: {SIZE: large}}
  huge: {cpu: 4, memory: 64Gi}
"""
RETRIES = """\
version: 1
rules:
  transient:
    retries: 3
    on:
      - {reason: OOMKilled, then: next_flavor}
"""
CONTAINERS = """\
    sidecars:
      - {name: proxy, image: "acme/proxy:1", resources: {limits: {memory: 1Gi}}}
    init_containers:
      - {name: fill, image: "acme/fill:1", resources: {requests: {cpu: 1}, limits: {memory: 2Gi}}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    files = {
        **FILES,
        "platform/flavors.yaml": FLAVORS,
        "platform/retries.yaml": RETRIES,
        "platform/environments/prod.yaml": "version: 1\nextends: base\nflavors: {max: {memory: 16Gi}}\n",
    }
    for name, text in files.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    flow = tmp_path / FLOW
    flow.write_text(flow.read_text().replace("    with: {word: hello}\n", f"    with: {{word: hello}}\n{CONTAINERS}"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(main, ["explain", *arguments, "--json"])
    assert result.exit_code == code, result.output
    found = json.loads(result.stdout)
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(SCHEMA).iter_errors(found)]
    assert errors == []
    return found


def rules(field: str, kind: str) -> list[str]:
    [found] = document("team.flow", "say", field, "--env", "prod")["environments"]
    return [
        f"{one['text']} {Path(one['place']['file']).name}:{one['place']['line']}"
        for one in found["rules"]
        if one["kind"] == kind
    ]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("schedule",),
        ("say",),
        ("say", "env.A"),
        ("say", "spec.containers[base].resources"),
        ("say", "spec.nodeName"),
        ("each",),
    ],
)
def test_the_document_follows_the_schema(words: tuple[str, ...]) -> None:
    assert document("team.flow", *words)["version"] == VERSION == SCHEMA["properties"]["version"]["const"]
    document("team.flow", *words, "--blame")


def test_errors_are_a_document_too(home: Path) -> None:
    (home / FLOW).write_text("version: 1\njobs: {x: {imag: a}}\n")
    found = document("team.flow", code=1)
    assert found["environments"] == [] and "unknown-key" in {one["code"] for one in found["errors"][0]["problems"]}


def test_the_schema_and_the_page_know_every_kind() -> None:
    known = SCHEMA["$defs"]
    assert known["kind"]["enum"] == list(KINDS)
    assert known["rule"]["properties"]["kind"]["enum"] == list(get_args(get_type_hints(Rule)["kind"]))
    assert [kind for kind in (*KINDS, *known["rule"]["properties"]["kind"]["enum"]) if f"`{kind}`" not in PAGE] == []
    assert [key for key in SCHEMA["properties"] if f"`{key}`" not in PAGE] == []


@pytest.mark.usefixtures("home")
class TestLargerFlavors:
    def test_a_size_shows_what_the_next_try_gets_and_where_that_is_set(self) -> None:
        expected = [
            "after out-of-memory, the next try gets `8Gi`, by the flavor `large` flavors.yaml:3",
            "the retry rule has `then: next_flavor` retries.yaml:6",
        ]
        for field in ("spec.containers[base].resources.limits.memory", "resource_flavor.memory"):
            assert rules(field, "next") == expected

    def test_the_flavor_shows_the_whole_chain_and_why_it_ends(self) -> None:
        first, second, third = rules("resource_flavor", "next")
        assert first == "after out-of-memory, the next try gets the flavor `large` flavors.yaml:3"
        assert second == "the retry rule has `then: next_flavor` retries.yaml:6"
        assert third.startswith("no try gets a flavor after `large`: ") and "16Gi" in third
        assert third.endswith("flavors.yaml:4")
        assert rules("resource_flavor.next", "next") == [first, second, third]

    def test_a_field_that_only_the_larger_flavor_changes(self) -> None:
        assert rules("spec.containers[base].resources.requests.cpu", "next")[0].startswith(
            "after out-of-memory, the next try gets `2`, by the flavor `large`"
        )

    def test_a_field_that_stays_the_same_has_no_such_rule(self) -> None:
        assert rules("spec.containers[base].image", "next") == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "field",
    [
        "spec.initContainers[proxy].resources.limits.memory",
        "spec.initContainers[fill].resources.limits.memory",
        "init_containers[fill].resources.limits.memory",
    ],
)
def test_sizes_of_other_containers_show_the_maximum_of_the_pod(field: str) -> None:
    assert rules(field, "maximum") == ["at most 16Gi for the whole pod, by the environment `prod` prod.yaml:3"]
