"""``dagf explain --blame``: the commit of each line, in a real and possibly hostile repository."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dag_factory.cli.main import main

FLOW = "configs/pipelines/team/flow.yaml"
TEXT = """\
version: 1
defaults:
  docker_image: "acme/image:1"
  resource_flavor: small
jobs:
  say:
    timeout: 1h
"""


def git(top: Path, *arguments: str, author: str = "Ada") -> str:
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ["-c", f"user.name={author}", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", "-C", str(top), *identity, *arguments], env=os.environ | settings, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def write(home: Path, name: str, text: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project below the top of a repository with two commits of two authors."""
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    top = tmp_path / "repository"
    home = top / "project"
    write(home, "configs/platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n")
    write(home, "configs/platform/environments/prod.yaml", "version: 1\n")
    write(home, FLOW, TEXT)
    git(top, "init", "-q", "-b", "main")
    git(top, "add", ".")
    git(top, "commit", "-qm", "Add the pipeline")
    write(home, FLOW, TEXT.replace("1h", "2h"))
    git(top, "commit", "-qam", "Give it more time", author="Grace")
    monkeypatch.chdir(home)
    return home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", "team.flow", "say", *arguments, "--blame"])


def notes(field: str) -> list[dict[str, Any]]:
    result = run(field, "--json")
    assert result.exit_code == 0, result.output
    [chain] = json.loads(result.stdout)["environments"]
    return [one["place"].get("blame", {}) for one in chain["steps"]]


def test_each_line_has_its_commit_author_and_date(home: Path) -> None:
    [timeout] = notes("timeout")
    assert (timeout["author"], timeout["summary"]) == ("Grace", "Give it more time")
    assert timeout["commit"] == git(home, "rev-parse", "HEAD")
    assert timeout["date"] == git(home, "log", "-1", "--format=%aI").replace("Z", "+00:00")
    assert notes("docker_image")[0]["author"] == "Ada"
    assert " Grace: Give it more time" in run("timeout").stdout
    assert " Ada: Add the pipeline" in run().stdout


def test_line_that_moved_keeps_its_commit_and_a_changed_line_is_not_committed(home: Path) -> None:
    write(home, FLOW, "# new\n# lines\n" + TEXT.replace("1h", "3h"))
    assert notes("timeout") == [{"remark": "this line is not committed yet"}]
    assert notes("docker_image")[0]["author"] == "Ada"


def test_untracked_file(home: Path) -> None:
    write(home, "configs/platform/environments/prod.yaml", "version: 1\nextends: base\n")
    write(home, "configs/platform/environments/base.yaml", "version: 1\ndefaults: {job: {timeout: 4h}}\n")
    result = run("timeout", "--env", "prod", "--json")
    [chain] = json.loads(result.stdout)["environments"]
    assert chain["steps"][0]["place"]["blame"] == {"remark": "this file is not committed yet"}


def test_shallow_clone_says_that_history_is_missing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", home.parent.as_uri(), "clone")
    monkeypatch.chdir(tmp_path / "clone/project")
    assert notes("docker_image")[0]["remark"] == "or an earlier commit, which this shallow clone does not have"


def test_project_outside_a_repository_is_explained_without_commits(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.parent / "project").rename(tmp_path / "alone")
    monkeypatch.chdir(tmp_path / "alone")
    result = run("timeout")
    assert result.exit_code == 0
    assert "is not in a git repository" in result.stderr
    assert "prod: 2h" in result.stdout


def test_repository_without_a_commit(tmp_path: Path, home: Path) -> None:
    (home.parent / ".git").rename(tmp_path / "old")
    git(home.parent, "init", "-q")
    assert notes("timeout") == [{"remark": "the repository has no commit yet"}]


def test_programs_that_the_repository_names_are_not_run(home: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    top = home.parent
    for key in ("filter.x.clean", "filter.x.smudge", "diff.x.textconv", "core.fsmonitor", "core.pager"):
        git(top, "config", key, f"touch {ran}; cat")
    write(top, ".gitattributes", "*.yaml filter=x diff=x\n")
    write(home, FLOW, TEXT.replace("1h", "5h"))
    assert notes("timeout") == [{"remark": "this line is not committed yet"}]
    assert notes("docker_image")[0]["author"] == "Ada"
    assert not ran.exists()


def test_author_cannot_control_the_terminal(home: Path) -> None:
    write(home, FLOW, TEXT.replace("1h", "6h"))
    git(home, "commit", "-qam", "Say \x1b[31mred", author="Eve \x1b]0;x\x07")
    assert "\x1b" not in run("timeout").output
    assert "\x1b" not in run().output


def test_failure_of_git_is_a_remark(home: Path) -> None:
    git(home, "config", "blame.ignoreRevsFile", "missing")
    result = run("timeout")
    assert (result.exit_code, "prod: 2h" in result.stdout) == (0, True)
    assert "No commits: git blame failed" in result.stderr
