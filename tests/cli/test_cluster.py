"""``dagf cluster`` without a cluster: its options, and what it says. Tests with a cluster are in ``tests/cluster``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dag_factory.cli.commands.cluster.state import STACKS, running_folder
from dag_factory.cli.main import main
from dag_factory.cluster.access import lock
from dag_factory.cluster.config import StateDir


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["cluster", *words])


@pytest.mark.parametrize(
    "words",
    [["ps"], ["logs", "p"], ["evict", "p"], ["secret", "s", "a=b"], ["fault", "--oom"], ["fault", "--node-lost"]],
    ids=" ".join,
)
def test_a_command_that_needs_a_cluster_is_exit_code_2(tmp_path: Path, words: list[str]) -> None:
    result = run(words[0], "--state", str(tmp_path), *words[1:])
    assert (result.exit_code, "no cluster runs" in result.output.lower()) == (2, True)


def test_without_a_cluster_status_is_exit_code_1_and_down_is_0(tmp_path: Path) -> None:
    assert run("status", "--state", str(tmp_path)).exit_code == 1
    assert run("down", "--state", str(tmp_path)).output == "Nothing was running.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["up", "--image", "nonsense"], "'nonsense' is not PATTERN=FOLDER"),
        (["up", "--image", "a:*=/no/such/folder"], "the folder /no/such/folder does not exist"),
        (["images", "--image", "=."], "'=.' is not PATTERN=FOLDER"),
        (["secret", "name", "key"], "'key' is not KEY=VALUE"),
        (["fault", "--api-errors", "lots"], "'lots' is not a fraction such as 10% or 0.1"),
        (["fault", "--api-errors", "110%"], "'110%' is not a fraction such as 10% or 0.1"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_an_option_that_cannot_be_read_is_exit_code_2(tmp_path: Path, words: list[str], message: str) -> None:
    state = [] if words[0] == "images" else ["--state", str(tmp_path)]
    result = run(words[0], *state, *words[1:])
    assert result.exit_code == 2
    assert message in result.stderr


def test_images_prints_the_table_and_the_option_overrides_it(tmp_path: Path) -> None:
    environments = tmp_path / "configs/platform/environments"
    environments.mkdir(parents=True)
    (tmp_path / "configs/platform/flavors.yaml").write_text("version: 1\nflavors: {}\n")
    images = '{"mine:*": {folder: images/mine}, "other:*": {folder: images/other}}'
    (environments / "local.yaml").write_text(f"version: 1\ncluster: {{local: {{images: {images}}}}}\n")
    for name in ("images/mine", "images/other", "override"):
        (tmp_path / name).mkdir(parents=True)
    result = run("images", "--home", str(tmp_path), "--image", f"other:*={tmp_path / 'override'}")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"mine:*": f"{tmp_path}/images/mine", "other:*": f"{tmp_path}/override"}


def test_images_prints_an_empty_table_without_a_project(tmp_path: Path) -> None:
    assert run("images", "--home", str(tmp_path)).stdout == "{}\n"


@pytest.mark.parametrize("stack", ["", *STACKS])
def test_a_command_finds_the_cluster_that_runs(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    inside = tmp_path / "configs" / "pipelines"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    own = tmp_path / ".dagf" / "cluster"
    assert running_folder(None) == own
    folder = tmp_path / ".dagf" / stack / "cluster"
    with lock(StateDir(folder)):  # as a server holds it
        assert running_folder(None) == folder
        assert running_folder(tmp_path / "other") == tmp_path / "other"
        down = run("down") if stack else None
        assert down is None or f"Another cluster runs in {folder}; " in down.stderr
