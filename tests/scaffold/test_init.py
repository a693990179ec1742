"""``dagf init``: a project that the check, Airflow and git accept, and what is never overwritten."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from dag_factory.cli.main import main
from dag_factory.scaffold.new_files import NotWritten, write_new_files
from dag_factory.scaffold.project.project_files import project_files

ROOT = Path(__file__).parents[2]
PACKAGE = "dagwright @ git+https://git.example.com/dagwright@0123"
PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag
for file in ("loader.py", "import_errors.py"):
    bag = DagBag(dag_folder=f"dags/{file}", bundle_path=".", bundle_name="b")
    print(file, {name: sorted(dag.task_ids) for name, dag in bag.dags.items()}, bag.import_errors)
"""


@pytest.fixture(autouse=True)
def _no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_project_has_no_problems(tmp_path: Path) -> None:
    result = init("new/one")
    assert (result.exit_code, f"Wrote 12 files into {tmp_path}/new/one:" in result.output) == (0, True)
    checked = CliRunner().invoke(main, ["check", "--home", "new/one"])
    assert checked.output == "No problems in 1 pipeline in 1 environment (local).\n"


def test_airflow_parses_the_loader(tmp_path: Path) -> None:
    init()
    settings = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "DAG_FACTORY"))}
    own = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "DAG_FACTORY_ENV": "local", "DAG_FACTORY_CACHE": "off"}
    parsed = subprocess.run(
        [sys.executable, "-c", PARSE], env=settings | own, capture_output=True, text=True, check=True, timeout=600
    )
    found = [line for line in parsed.stdout.splitlines() if line.startswith(("loader.py", "import_errors.py"))]
    assert found == ["loader.py {'example.hello': ['count', 'greet']} {}", "import_errors.py {} {}"]


def test_the_loader_is_the_one_of_the_examples() -> None:
    files = project_files("x")
    for name in ("dags/loader.py", "dags/import_errors.py"):
        assert files[name] == (ROOT / name).read_text("utf-8")


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    init()
    before = contents(tmp_path)
    result = init()
    assert (result.exit_code, "complete project already" in result.output) == (0, True)
    assert contents(tmp_path) == before


def test_files_that_exist_are_not_changed(tmp_path: Path) -> None:
    own = {"README.md": b"mine", ".gitignore": b"*.log\n", "src/app.py": b"pass\n", "dags/old.py": b"pass\n"}
    for name, data in own.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    result = init()
    assert result.exit_code == 0
    assert "Not changed, because they exist already: .gitignore, README.md" in result.output
    assert "Add the line `.dagf/` to .gitignore" in result.output
    after = contents(tmp_path)
    assert {name: after[name] for name in own} == own
    assert "dags/loader.py" in after


def test_a_project_without_a_loader_gets_one_and_no_example(tmp_path: Path) -> None:
    pipeline = tmp_path / "configs/pipelines/a/b.yaml"
    pipeline.parent.mkdir(parents=True)
    pipeline.write_text("version: 1\n")
    result = init()
    assert result.exit_code == 0
    assert set(contents(tmp_path)) == {
        "configs/pipelines/a/b.yaml",
        "dags/loader.py",
        "dags/import_errors.py",
        ".gitignore",
        ".pre-commit-config.yaml",
    }


def test_in_a_folder_of_a_repository_hooks_and_workflows_are_in_its_root(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "remote", "add", "origin", "git@gitlab.example.com:a/b.git"], check=True)
    result = init("data/my airflow", "--install", PACKAGE)
    assert result.exit_code == 0, result.output
    names = {name for name in contents(tmp_path) if not name.startswith(".git/")}
    assert {".pre-commit-config.yaml", ".gitlab-ci.yml", "data/my airflow/dags/loader.py"} <= names
    (hook,) = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert hook["entry"] == "dagf check --format line --home 'data/my airflow'"
    assert hook["files"] == r"^data/my\ airflow/configs/"


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_workflows_of_the_given_host(tmp_path: Path, host: str) -> None:
    assert init("--ci", host, "--install", PACKAGE).exit_code == 0
    assert (tmp_path / ".github/workflows/dagf.yml").exists() is (host == "github")
    assert (tmp_path / ".gitlab-ci.yml").exists() is (host == "gitlab")


def test_no_project_inside_configs_or_by_accident_inside_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init()
    before = contents(tmp_path)
    inside = init("configs/pipelines/sub")
    assert (inside.exit_code, "is inside the configs/ folder" in inside.stderr) == (2, True)
    monkeypatch.chdir(tmp_path / "dags")
    by_accident = init()
    assert (by_accident.exit_code, f"inside the project {tmp_path}" in by_accident.stderr) == (2, True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["README.md", "configs", "dags"])
def test_a_file_where_a_folder_must_be_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / name).write_text("mine")
    result = init("p/README.md" if name == "README.md" else "p")
    assert (result.exit_code, result.stderr.splitlines()[-1].startswith("Error: ")) == (2, True)
    assert contents(tmp_path / "p") == {name: b"mine"}


def test_a_failure_removes_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "z").write_text("a file")
    with pytest.raises(NotWritten, match="z/y"):
        write_new_files(tmp_path, {"a/b/c.txt": "1", "z/y": "2"})
    assert [path.name for path in tmp_path.iterdir()] == ["z"]


def test_the_wheel_contains_every_file_of_the_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    packages = set(config["options"]["packages"].split())
    folders = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.glob("dag_factory/**/*.py")}
    assert folders <= packages
    data = {name: patterns.split() for name, patterns in config["options.package_data"].items()}
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "dag_factory"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for file in (name for name in listed.stdout.splitlines() if not name.endswith((".py", ".md"))):
        owner = next(one for one in map(str, Path(file).parents) if one.replace("/", ".") in packages)
        below = file.removeprefix(f"{owner}/")
        patterns = [one for one in data[owner.replace("/", ".")] if one.count("/") == below.count("/")]
        assert any(fnmatchcase(below, pattern) for pattern in patterns), file
