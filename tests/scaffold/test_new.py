"""``dagf new``: what is written passes the check, nothing that exists changes, and missing values are asked for."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dag_factory.cli.main import main
from dag_factory.config.project.survey import survey

EVERY = {
    "pipeline": ["growth.churn", "--owner", "growth", "--description", "Predicts: churn", "--schedule", "0 6 * * *"],
    "template": ["train"],
    "preset": ["warehouse", "--set", "env={DB_URL: {secret: warehouse/url}}", "--set", "timeout=5m"],
    "flavor": ["cpu-huge", "--cpu", "32", "--memory", "128Gi", "--cost-per-hour", "1.7", "--gpu", "0"],
    "environment": ["prod", "--namespace", "ml-prod", "--in-cluster", "--var", "release=1.0"],
    "team": ["growth", "--namespace", "ml-growth", "--flavors", "cpu-*", "--require", "owner", "--owner", "growth"],
}
REQUIRED = {
    "flavor": "NAME and --cpu and --memory are",
    "environment": "NAME and --namespace are",
    "preset": "NAME and --set are",
}

WARNINGS = ("unused-team",)
"""What the check says about a team before its first pipeline."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["init"]).exit_code == 0
    return tmp_path


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", EVERY)
def test_the_result_passes_the_check_and_nothing_else_changes(kind: str, home: Path) -> None:
    before = contents(home)
    result = new(kind, *EVERY[kind])
    assert result.exit_code == 0, result.stderr
    assert "Next steps:\n1. " in result.stdout
    assert [problem for problem in survey(home).problems if problem.code not in WARNINGS] == []
    after = contents(home)
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == ({"configs/platform/flavors.yaml"} if kind == "flavor" else set())
    assert len(set(after) - set(before)) == {"pipeline": 3, "flavor": 0}.get(kind, 1)


@pytest.mark.parametrize("kind", EVERY)
def test_a_second_time_is_an_error_that_names_what_exists(kind: str, home: Path) -> None:
    assert new(kind, *EVERY[kind]).exit_code == 0
    before = contents(home)
    result = new(kind, *EVERY[kind])
    assert (result.exit_code, "already" in result.stderr, len(result.stderr.splitlines())) == (2, True, 1)
    assert contents(home) == before


@pytest.mark.parametrize("kind", EVERY)
def test_without_a_terminal_the_error_names_the_missing_values(kind: str, home: Path) -> None:
    before = contents(home)
    result = new(kind)
    missing = REQUIRED.get(kind, "NAME is")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert result.stderr.startswith(f"Error: {missing} missing; add ")
    assert contents(home) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["pipeline", "Growth.churn"], "not a valid id of a pipeline"),
        (["pipeline", "a.b", "--flavor", "cpu-smal"], "did you mean `cpu-small`?"),
        (["pipeline", "a.b", "--schedule", "every day"], "cron"),
        (["flavor", "x/y", "--cpu", "1", "--memory", "1Gi"], "not a flavor's name"),
        (["flavor", "big", "--cpu", "lots", "--memory", "1Gi"], "`lots` is not a number of cores"),
        (["flavor", "big", "--cpu", "1", "--memory", "1Gi", "--next", "cpu-smal"], "did you mean `cpu-small`?"),
        (["preset", "p", "--set", "comand=[a]"], "did you mean `command`?"),
        (["preset", "p", "--set", "env={"], "not valid YAML"),
        (["team", "Growth"], "not a folder below pipelines/"),
        (["environment", "Prod", "--namespace", "a"], "not a valid name of an environment"),
        (["environment", "prod", "--namespace", "A_B"], "`A_B` is not a name such as ml-prod"),
        (["environment", "prod", "--namespace", "a", "--timezone", "Berlin"], "Europe/Berlin"),
        (["template", "a.b"], "not a valid name of a template"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_value_is_one_error_and_changes_nothing(arguments: list[str], reason: str, home: Path) -> None:
    before = contents(home)
    result = new(*arguments)
    assert (result.exit_code, len(result.stderr.splitlines()), reason in result.stderr) == (2, 1, True), result.stderr
    assert contents(home) == before


def test_errors_that_the_project_has_already_do_not_matter(home: Path) -> None:
    (home / "configs/pipelines/example/broken.yaml").write_text("version: 1\njobs: {a: {resource_flavor: x}}\n")
    assert new(*["flavor", *EVERY["flavor"]]).exit_code == 0


def test_the_code_of_a_pipeline_can_be_in_a_folder_that_exists(home: Path) -> None:
    assert new("pipeline", "example.second", "--image", "hello").exit_code == 0
    text = (home / "configs/pipelines/example/second.yaml").read_text()
    assert 'docker_image: "${{ vars.registry }}/hello:${{ vars.release }}"' in text
    assert [path.name for path in (home / "images").iterdir()] == ["hello"]


@pytest.mark.usefixtures("home")
def test_a_warning_about_the_new_file_is_shown() -> None:
    result = new("pipeline", "a.b", "--image", "registry.example.com/report:1.2")
    assert (result.exit_code, "cannot run on this machine" in result.stderr) == (0, True)
    assert new("pipeline", "a.c").stderr == ""
    assert new("team", "growth").stderr == ""


def test_a_pipeline_may_be_named_by_its_file(home: Path) -> None:
    assert new("pipeline", "configs/pipelines/growth/churn.yaml").exit_code == 0
    assert (home / "configs/pipelines/growth/churn.yaml").exists()


def test_a_table_keeps_its_mode(home: Path) -> None:
    table = home / "configs/platform/flavors.yaml"
    table.chmod(0o640)
    new("flavor", *EVERY["flavor"])
    assert table.stat().st_mode & 0o777 == 0o640


def test_a_terminal_is_asked_until_the_answer_is_valid(home: Path) -> None:
    shown = on_terminal("growth.Churn\ngrowth.churn\n\ncpu-smal\ncpu-medium\nPredicts churn.\n\n\n")
    assert "`growth.Churn` is not a valid id" in shown
    assert "Image: a folder in images/, or a full name [growth/churn]" in shown
    assert "did you mean `cpu-small`?" in shown
    text = (home / "configs/pipelines/growth/churn.yaml").read_text()
    assert "description: Predicts churn.\n" in text and "resource_flavor: cpu-medium\n" in text


def test_the_end_of_the_input_writes_nothing(home: Path) -> None:
    before = contents(home)
    assert "the input ended" in on_terminal("growth.churn\n\x04")
    assert contents(home) == before


def on_terminal(answers: str) -> str:
    """Return what `dagf new pipeline` shows on a terminal with these answers."""
    main_end, command_end = pty.openpty()
    code = "from dag_factory.cli.main import main; main(['new', 'pipeline'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=command_end, stdout=command_end, stderr=command_end
    ) as process:
        os.close(command_end)
        os.write(main_end, answers.encode())
        shown = b""
        while True:
            try:
                shown += os.read(main_end, 65_536)
            except OSError:  # Linux reports the end of a terminal as an error
                break
        process.wait(timeout=600)
    os.close(main_end)
    return shown.decode()
