"""``dagf new ci``: the files, their schemas and rights, and what is never overwritten."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from dag_factory.cli.main import main
from dag_factory.scaffold.ci.workflows import Choices, workflow_files

ROOT = Path(__file__).parents[2]
PACKAGE = "dagwright @ git+https://git.example.com/dagwright@0123"
DEPLOY = ("git-bundle", "sync", "image", "none")
BUILT_IN = {"github": ["vendor.github-workflows"], "gitlab": ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]}


@pytest.fixture(params=["", "data/my airflow"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the root of a repository, or in a folder of it."""
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    home = tmp_path / request.param
    (home / "configs").mkdir(parents=True)
    monkeypatch.chdir(home)
    return home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", "ci", *arguments])


def jobs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("deploy", DEPLOY)
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_the_files_fit_the_published_schemas(tmp_path: Path, host: str, deploy: str) -> None:
    result = run(host, "--deploy", deploy, "--install", PACKAGE, "--tests", "pytest 'a: b'  # \"é\"")
    assert result.exit_code == 0, result.output
    names = re.findall("^Wrote (.+)$", result.stdout, re.MULTILINE)
    assert len(names) == (2 if host == "github" else 1)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *BUILT_IN[host]]
    checked = subprocess.run(
        [*command, *(tmp_path / name for name in names)], capture_output=True, text=True, timeout=300, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Next steps:\n1. " in result.stdout


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_nothing_is_overwritten(tmp_path: Path, host: str) -> None:
    assert run(host, "--install", ".").exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yml")}
    result = run(host, "--install", PACKAGE)
    assert result.exit_code == 2
    assert all(path.relative_to(tmp_path).as_posix() in result.stderr for path in before)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yml")} == before
    first = min(before)
    first.unlink()
    assert run(host, "--install", ".").exit_code == (2 if host == "github" else 0)
    assert first.exists() is (host == "gitlab")


def test_a_project_in_a_folder_is_checked_in_this_folder(home: Path, tmp_path: Path) -> None:
    assert run("github", "--install", ".", "--tests", "pytest").exit_code == 0
    found = jobs((tmp_path / ".github/workflows/dagf.yml").read_text())
    below = home.relative_to(tmp_path).as_posix()
    for job, command in (("check", "dagf check"), ("tests", "pytest"), ("plan", "dagf plan")):
        (step,) = [step for step in found[job]["steps"] if command in step.get("run", "")]
        assert step.get("working-directory", ".") == below


def test_without_a_source_of_the_package_the_message_says_what_to_do(home: Path) -> None:
    text = importlib.metadata.distribution("dagwright").read_text("direct_url.json") or ""
    if "vcs_info" in text:
        pytest.skip("dagwright is installed from a git URL here")
    result = run("github")
    assert (result.exit_code, "--install 'dagwright @ git+" in result.stderr) == (2, True)
    assert not list(home.rglob("*.yml"))


@pytest.mark.parametrize("option", ["--install", "--branch", "--tests"])
@pytest.mark.parametrize("value", ["${{ secrets.X }}", "a\nb"])
def test_a_value_cannot_become_an_expression_of_the_workflow(home: Path, option: str, value: str) -> None:
    result = run("github", "--install", ".", option, value)
    assert (result.exit_code, list(home.rglob("*.yml"))) == (2, [])


@pytest.mark.usefixtures("home")
def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("a file")
    result = run("github", "--install", ".")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_without_a_project_the_exit_code_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("github", "--install", ".").exit_code == 2
    assert run("github", "--install", ".", "--home", str(tmp_path)).exit_code == 2
    assert run("bitbucket").exit_code == 2


@pytest.mark.parametrize("deploy", DEPLOY)
def test_each_job_has_the_least_rights(deploy: str) -> None:
    files = workflow_files("github", Choices(install=".", deploy=deploy, tests="make test"))  # type: ignore[arg-type]
    main_text, comment_text = files.values()
    assert yaml.safe_load(main_text)["permissions"] == yaml.safe_load(comment_text)["permissions"] == {}
    rights = {name: job["permissions"] for name, job in (jobs(main_text) | jobs(comment_text)).items()}
    read = {"contents": "read"}
    of_deploy = {"git-bundle": {"contents": "write"}, "sync": read, "image": {**read, "packages": "write"}}
    expected = {"check": read, "tests": read, "plan": read, "comment": {"actions": "read", "pull-requests": "write"}}
    assert rights == expected | ({"deploy": of_deploy[deploy]} if deploy != "none" else {})


@pytest.mark.parametrize("deploy", DEPLOY)
def test_code_of_a_pull_request_never_meets_a_secret_or_a_right_to_write(deploy: str) -> None:
    files = workflow_files("github", Choices(install=".", deploy=deploy, tests="make test"))  # type: ignore[arg-type]
    main_text, comment_text = files.values()
    for name, job in jobs(main_text).items():
        if name == "deploy":
            assert job["if"] == "${{ github.event_name == 'push' }}"
            continue
        assert "secrets." not in str(job)
        assert "github.token" not in str(job)
        checkouts = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    (comment,) = jobs(comment_text).values()
    assert [step for step in comment["steps"] if "uses" in step] == []
    for text in files.values():
        assert "pull_request_target" not in text


@pytest.mark.parametrize("deploy", DEPLOY)
def test_actions_are_pinned_and_scripts_contain_no_expressions(deploy: str) -> None:
    files = workflow_files("github", Choices(install=".", deploy=deploy, tests="make test"))  # type: ignore[arg-type]
    for text in files.values():
        for line in re.findall(r"uses: .*", text):
            assert re.fullmatch(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
        for job in jobs(text).values():
            assert not any("${{" in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize(
    ("host", "name"), [("github", ".github/workflows/dagf-comment.yml"), ("gitlab", ".gitlab-ci.yml")]
)
def test_the_program_in_the_workflow_is_valid_python_for_old_versions(host: str, name: str) -> None:
    text = workflow_files(host, Choices(install="."))[name]  # type: ignore[arg-type]
    document = yaml.safe_load(text)
    if host == "github":
        program = document["jobs"]["comment"]["steps"][0]["run"]
    else:
        program = document["comment"]["script"][0].split("<<'END_OF_SCRIPT'\n")[1].split("END_OF_SCRIPT")[0]
    compile(program, name, "exec")
    assert "dag_factory" not in program
    assert "safe_comment(" in program


def test_this_repository_uses_its_own_workflows() -> None:
    choices = Choices(install=".", deploy="none", tests="make test")
    for name, text in workflow_files("github", choices).items():
        assert (ROOT / name).read_text("utf-8") == text, (
            "run: dagf new ci github --install . --deploy none --tests 'make test'"
        )


def test_the_hook_for_pre_commit_runs_a_command_that_exists() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    program, *arguments = hook["entry"].split()
    assert (program, hook["language"], hook["pass_filenames"]) == ("dagf", "python", False)
    assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0
    assert re.search(hook["files"], "configs/pipelines/a/b.yaml")
    assert re.search(hook["files"], "data/configs/platform/flavors.yaml")
    assert not re.search(hook["files"], "docs/configs.md")
