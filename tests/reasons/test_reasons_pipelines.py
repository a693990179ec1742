"""The list of all pipelines: what the files say, and what Airflow knows."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from dag_factory.config.project.open_project import open_project
from dag_factory.reasons.of_pipelines import STATES, KnownDag, combine, rows
from dag_factory.reasons.project_states import FileState, ProjectStates, read_states

SEEN = datetime(2026, 11, 30, 21, 0, tzinfo=timezone.utc)
ACTIVE, STALE = KnownDag(False, False, SEEN), KnownDag(True, False, SEEN)
GOOD = """\
version: 1
defaults: {docker_image: "busybox:1", resource_flavor: small}
jobs: {one: {script: echo 1}}
"""


@pytest.mark.parametrize(
    "known, of_file, state",
    [
        (ACTIVE, "running", "running"),
        (ACTIVE, "last-good", "last-good"),
        (ACTIVE, "stopped", "stopped"),
        (ACTIVE, None, "deleted"),
        (STALE, None, "deleted"),
        (STALE, "running", "new"),
        (STALE, "broken", "broken"),
        (STALE, "elsewhere", "elsewhere"),
        (None, "running", "new"),
        (None, "broken", "broken"),
        (None, "elsewhere", "elsewhere"),
    ],
)
def test_the_state_of_a_pipeline(known: KnownDag | None, of_file: str | None, state: str) -> None:
    project = ProjectStates("dev", {"a.b": FileState(of_file, "a/b.yaml")} if of_file else {})
    assert [one.state for one in combine({"a.b": known} if known else {}, project)] == [state]
    assert state in STATES


def test_without_the_project_the_tags_of_the_dags_count() -> None:
    known = {"a": ACTIVE, "b": STALE, "c": KnownDag(False, True, SEEN, "stopped")}
    assert {one.dag_id: one.state for one in combine(known, None)} == {"a": "running", "b": "gone", "c": "stopped"}


def test_a_dag_is_not_called_deleted_while_some_files_are_not_read() -> None:
    project = ProjectStates("dev", {}, complete=False)
    found = combine({"a": ACTIVE, "b": STALE}, project)
    assert {one.dag_id: one.state for one in found} == {"a": "running", "b": "gone"}


def test_what_needs_attention_comes_first_and_a_deleted_pipeline_has_its_date() -> None:
    files = {
        "a.ok": FileState("running", "a/ok.yaml"),
        "z.bad": FileState("broken", "z/bad.yaml", ("z/bad.yaml:1:1: x",)),
    }
    known = {"a.ok": ACTIVE, "m.old": STALE}
    found = rows(combine(known, ProjectStates("dev", files)), known)
    assert [(one.dag_id, one.has_dag) for one in found] == [("z.bad", False), ("m.old", True), ("a.ok", True)]
    assert [one.seen for one in found] == ["", "2026-11-30 21:00:00 UTC", ""]
    assert found[0].details == ("z/bad.yaml:1:1: x",)


def test_the_states_of_the_files_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    write(tmp_path, "platform/environments/dev", "version: 1\n")
    write(tmp_path, "platform/environments/prod", "version: 1\n")
    write(tmp_path, "platform/flavors", "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n")
    for name in ("good", "breaks"):
        write(tmp_path, f"pipelines/team/{name}", GOOD)
    write(tmp_path, "pipelines/team/never", GOOD.replace("small", "smal"))
    write(tmp_path, "pipelines/team/away", GOOD.replace("version: 1\n", "version: 1\nonly: [prod]\n"))
    open_project(tmp_path, "dev").compile_all()
    write(tmp_path, "pipelines/team/breaks", GOOD.replace("small", "smal"))
    found = read_states(open_project(tmp_path, "dev"))
    assert {name: one.state for name, one in found.pipelines.items()} == {
        "team.good": "running",
        "team.breaks": "last-good",
        "team.never": "broken",
        "team.away": "elsewhere",
    }
    assert found.pipelines["team.away"].only == ("prod",)
    assert "unknown flavor `smal` (did you mean `small`?)" in found.pipelines["team.never"].problems[0]


def write(home: Path, name: str, text: str) -> None:
    path = home / "configs" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
