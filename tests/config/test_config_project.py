"""A folder of files: which of them are pipelines, which id each has, and which environment is meant."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from written import ENVIRONMENT, HEAD, Written

from dag_factory.config import ProjectError, open_project
from dag_factory.config.source.layout import DAG_ID_LENGTH

BARE = HEAD + "jobs: {a: {}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return Written("jobs: {a: {}}\n").into(tmp_path)


def add(home: Path, name: str, text: str = BARE) -> Path:
    path = home / "configs/pipelines" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def compiled(home: Path) -> tuple[list[str], list[str]]:
    found = open_project(home).compile_all()
    assert all(problem.hint for problem in found.problems)
    return [each.id for each in found.pipelines], [f"{each.code} {each.file}" for each in found.problems]


def test_an_id_is_the_place_of_the_file(home: Path) -> None:
    add(home, "top.yaml")
    add(home, "growth/deep/er/churn_2-x.yaml")
    ids, problems = compiled(home)
    assert (ids, problems) == (["growth.deep.er.churn_2-x", "team.flow", "top"], [])
    one = open_project(home).compile_one("growth.deep.er.churn_2-x").pipelines[0]
    assert (one.team, one.name, one.file) == ("growth", "churn_2-x", "configs/pipelines/growth/deep/er/churn_2-x.yaml")
    assert open_project(home).compile_one("top").pipelines[0].team == ""


def test_one_pipeline_is_what_it_is_among_all(home: Path) -> None:
    add(home, "other.yaml")
    project = open_project(home)
    among_all = project.compile_all().pipelines[1]
    assert project.compile_one("team.flow").pipelines[0] == msgspec.structs.replace(among_all, resolved="")


@pytest.mark.parametrize(
    "dag_id", ["nobody", "team", "team.flow.x", "", ".", "..", "../flow", "team/flow", "TEAM.flow", "a" * 300]
)
def test_an_id_that_is_no_pipeline_gives_nothing(home: Path, dag_id: str) -> None:
    found = open_project(home).compile_one(dag_id)
    assert (found.pipelines, found.problems) == ((), ())


@pytest.mark.parametrize(
    "name",
    [
        "Team/flow2.yaml",
        "a b.yaml",
        "a.b.yaml",
        "-a.yaml",
        "é.yaml",
        "team/flow.yml",
        "x/-/y.yaml",
        "team/Upper.YAML",
        "x.Yml",
    ],
)
def test_a_name_that_cannot_be_an_id_is_reported(home: Path, name: str) -> None:
    add(home, name)
    assert compiled(home) == (["team.flow"], [f"bad-name configs/pipelines/{name}"])


def test_a_name_in_any_bytes_is_reported_as_text(home: Path) -> None:
    path = os.fsencode(home / "configs/pipelines") + b"/\xff\x1b.yaml"
    with open(path, "w") as stream:  # noqa: PTH123 - the name is bytes
        stream.write(BARE)
    (problem,) = open_project(home).compile_all().problems
    assert problem.file.encode("utf-8").startswith(b"configs/pipelines/\\udcff")


def test_an_id_longer_than_airflow_allows_is_reported(home: Path) -> None:
    folder = "/".join(["f" * 60] * 3)
    fits = DAG_ID_LENGTH - len(folder) - 1
    add(home, f"{folder}/{'a' * fits}.yaml")
    add(home, f"{folder}/{'b' * (fits + 1)}.yaml")
    ids, problems = compiled(home)
    assert [len(each) for each in ids] == [DAG_ID_LENGTH, 9]
    assert problems[0].startswith("bad-name")


def test_what_is_hidden_or_no_yaml_is_passed_over(home: Path) -> None:
    for name in (
        ".hidden.yaml",
        ".git/x.yaml",
        "README.md",
        "team/notes.txt",
        "team/flow.yaml~",
        "team/.flow.yaml.swp",
    ):
        add(home, name, "not: [a pipeline")
    assert compiled(home) == (["team.flow"], [])


@pytest.mark.parametrize("name", ["flow2.ymal", "flow2.yaml.bak", "team/flow2.json", "flow2.YAML.j2", "flow2.yam"])
def test_a_file_that_may_be_meant_for_a_pipeline_is_reported(home: Path, name: str) -> None:
    add(home, name)
    (problem,) = open_project(home).compile_all().problems
    assert (problem.code, problem.severity, problem.file) == ("unknown-file", "warning", f"configs/pipelines/{name}")
    assert "`flow2.yaml`" in problem.hint


def test_a_linked_folder_is_reported_and_not_followed(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(BARE)
    (home / "configs/pipelines/linked").symlink_to(outside)
    (home / "configs/pipelines/round").symlink_to(home / "configs/pipelines")
    assert compiled(home) == (
        ["team.flow"],
        ["linked-folder configs/pipelines/linked", "linked-folder configs/pipelines/round"],
    )
    assert open_project(home).compile_one("linked.x").pipelines == ()
    assert open_project(home).compile_one("round.team.flow").pipelines == ()


def test_a_linked_file_is_read_inside_configs_only(home: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(BARE)
    (home / "configs/pipelines/out.yaml").symlink_to(tmp_path / "secret.yaml")
    (home / "configs/pipelines/in.yaml").symlink_to("team/flow.yaml")
    (home / "configs/pipelines/gone.yaml").symlink_to("nowhere.yaml")
    ids, problems = compiled(home)
    assert ids == ["in", "team.flow"]
    assert problems == ["unreadable configs/pipelines/gone.yaml", "outside-configs configs/pipelines/out.yaml"]
    assert open_project(home).compile_one("out").problems[0].code == "outside-configs"


def test_a_folder_named_like_a_pipeline_is_reported(home: Path) -> None:
    (home / "configs/pipelines/x.yaml").mkdir()
    assert compiled(home) == (["team.flow"], ["not-a-file configs/pipelines/x.yaml"])


def test_a_broken_file_costs_its_own_pipeline_only(home: Path) -> None:
    add(home, "broken.yaml", "jobs: [")
    assert compiled(home) == (["team.flow"], ["yaml-syntax configs/pipelines/broken.yaml"])


def test_no_pipelines_at_all_are_a_warning(tmp_path: Path) -> None:
    home = Written().into(tmp_path)
    (home / "configs/pipelines/team/flow.yaml").unlink()
    (home / "configs/pipelines/team").rmdir()
    assert compiled(home) == ([], [])
    (home / "configs/pipelines").rmdir()
    (problem,) = open_project(home, "dev").compile_all().problems
    assert (problem.code, problem.severity) == ("no-pipelines", "warning")


def failure(home: Path, environment: str | None = None) -> str:
    with pytest.raises(ProjectError) as caught:
        open_project(home, environment)
    (problem,) = caught.value.problems
    assert problem.hint
    return f"{problem.code}: {problem.message} -- {problem.hint}"


def test_without_configs_there_is_no_project(tmp_path: Path) -> None:
    assert failure(tmp_path).startswith("no-project: ")


def test_without_an_environment_there_is_nothing_to_compile_for(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    assert failure(tmp_path).startswith("no-environment: the project has no environment")


def test_the_only_environment_is_meant_and_of_several_one_must_be_chosen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAG_FACTORY_ENV", raising=False)
    assert open_project(home).environment == "dev"
    Written(environments={"prod": ENVIRONMENT}).into(home)
    assert failure(home).endswith("set DAG_FACTORY_ENV to one of: dev, prod")
    monkeypatch.setenv("DAG_FACTORY_ENV", "prod")
    assert open_project(home).environment == "prod"
    assert open_project(home, "dev").environment == "dev"


@pytest.mark.parametrize("name", ["prdo", "../dev", "dev/../dev", ".", "DEV"])
def test_an_environment_that_does_not_exist(home: Path, name: str) -> None:
    assert failure(home, name).startswith(f"unknown-environment: unknown environment `{name}`")


def test_the_home_is_named_by_the_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_HOME", str(home))
    assert open_project().home == home


def test_files_that_only_look_like_environments_are_reported(home: Path) -> None:
    folder = home / "configs/platform/environments"
    for name in ("Prod.yaml", "qa.YAML", "stage.yml", ".dev.yaml", "README.md"):
        (folder / name).write_text(ENVIRONMENT)
    assert compiled(home)[1] == [
        f"bad-name configs/platform/environments/{name}" for name in ("Prod.yaml", "qa.YAML", "stage.yml")
    ]
