"""``dagf check --format github`` and ``--format gitlab``: what the pages of a pull request show."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from project_files import write

from dag_factory.cli import code_hosts
from dag_factory.cli.main import main
from dag_factory.config.problems import Problem

GOOD = "version: 1\ndefaults: {docker_image: image, resource_flavor: small}\njobs: {a: {}}\n"
BAD = GOOD.replace("{a: {}}", "{a: {comand: [x]}}")
COMMAND = re.compile(r"::(error|warning|notice) ([^\r\n]*?)::([^\r\n]*)")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a folder of a git repository."""
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    home = tmp_path / "data" / "airflow"
    write(home, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 1}}\n")
    write(home, "platform/environments/dev.yaml", "version: 1\n")
    write(home, "pipelines/team/good.yaml", GOOD)
    monkeypatch.chdir(home)
    return home


def run(form: str) -> Result:
    return CliRunner().invoke(main, ["check", "--format", form])


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as GitHub's runner does."""
    match = COMMAND.fullmatch(line)
    assert match, line

    def data(text: str) -> str:
        return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    pairs = (pair.split("=", 1) for pair in match[2].split(","))
    values = {key: data(value.replace("%3A", ":").replace("%2C", ",")) for key, value in pairs}
    return match[1], values, data(match[3])


def problem(message: str, *, severity: str = "error", file: str = "configs/a.yaml") -> Problem:
    return Problem(file, 1, 1, "bad-value", message, severity="warning" if severity == "warning" else "error")


@pytest.mark.usefixtures("home")
def test_without_problems_there_are_no_annotations() -> None:
    assert (run("github").exit_code, run("github").stdout) == (0, "")
    assert (run("gitlab").exit_code, json.loads(run("gitlab").stdout)) == (0, [])


def test_github_gets_paths_from_the_root_of_the_repository(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", BAD)
    result = run("github")
    assert result.exit_code == 1
    assert result.stdout == (
        "::error file=data/airflow/configs/pipelines/team/bad.yaml,line=3,col=12,title=unknown-key"
        "::unknown key `comand`%0Aat jobs.a.comand%0Ahelp: did you mean `command`?\n"
    )
    assert result.stderr == "1 error in 2 pipelines in 1 environment.\n"


def test_gitlab_gets_a_code_quality_report(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", BAD)
    result = run("gitlab")
    (entry,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert entry.pop("fingerprint")
    assert entry == {
        "description": "unknown key `comand`\nat jobs.a.comand\nhelp: did you mean `command`?",
        "check_name": "unknown-key",
        "severity": "major",
        "location": {"path": "data/airflow/configs/pipelines/team/bad.yaml", "lines": {"begin": 3}},
    }


def test_a_fingerprint_is_stable_when_lines_move(home: Path) -> None:
    twice = BAD.replace("[x]", "[x], env: {A: 1, A: 2, A: 3}")
    write(home, "pipelines/team/bad.yaml", twice)
    before = json.loads(run("gitlab").stdout)
    write(home, "pipelines/team/bad.yaml", "# a comment\n\n" + twice)
    after = json.loads(run("gitlab").stdout)
    assert [one["fingerprint"] for one in before] == [one["fingerprint"] for one in after]
    assert [one["location"]["lines"]["begin"] + 2 for one in before] == [
        one["location"]["lines"]["begin"] for one in after
    ]
    assert len({one["fingerprint"] for one in before}) == len(before) > 2


def test_equal_problems_have_different_fingerprints() -> None:
    entries = json.loads(code_hosts.gitlab([problem("x"), problem("x")], ""))
    assert len({entry["fingerprint"] for entry in entries}) == 2


@pytest.mark.parametrize(
    "text", ["a%0Ab", "x\r\n::add-mask::y", "::stop-commands::z", "1:2,3=4", "##[error]x", "%25", "line=1,file=b::c"]
)
def test_hostile_text_stays_inside_its_annotation(text: str) -> None:
    (line,) = code_hosts.github([problem(text, file=f"configs/{text}")], "")
    assert read_command(line) == (
        "error",
        {"file": f"configs/{text}", "line": "1", "col": "1", "title": "bad-value"},
        text,
    )


def test_github_gets_errors_first_and_the_number_of_hidden_problems_last() -> None:
    found = [problem(f"w{number}", severity="warning") for number in range(12)]
    found += [problem(f"e{number}") for number in range(11)]
    lines = [read_command(line) for line in code_hosts.github(found, "")]
    assert [kind for kind, _, _ in lines] == ["error"] * 11 + ["warning"] * 12 + ["notice"]
    assert lines[-1][2].startswith("1 error and 2 warnings not shown here.")
    assert len(list(code_hosts.github(found[2:-1], ""))) == 20


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    (line,) = code_hosts.github([Problem("configs/a.yaml", 0, 0, "empty-file", "the file is empty")], "")
    assert line == "::error file=configs/a.yaml,title=empty-file::the file is empty"


def test_without_a_repository_paths_are_relative_to_the_project(tmp_path: Path) -> None:
    assert code_hosts.repository_folder(tmp_path) == ""
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")  # a worktree
    assert code_hosts.repository_folder(tmp_path) == ""
    (tmp_path / "a b").mkdir()
    assert code_hosts.repository_folder(tmp_path / "a b") == "a b/"
