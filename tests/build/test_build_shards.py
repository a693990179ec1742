"""Several loaders divide one project, as with two DAG processors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[2] / "dags"
COUNT = 4
PIPELINES = 60
GOOD = "version: 1\ndefaults: {resource_flavor: small, docker_image: a}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with four loader files, as in docs/scale.md."""
    dags, configs = tmp_path / "dags", tmp_path / "configs"
    dags.mkdir()
    shutil.copy(DAGS / "import_errors.py", dags)
    loader = (DAGS / "loader.py").read_text()
    for index in range(COUNT):
        text = loader.replace("import load\n", "import Shard, load\n")
        text = text.replace(".parent)", f".parent, Shard({index}, {COUNT}))")
        (dags / f"loader_{index}.py").write_text(text)
    for name, text in {
        "platform/flavors.yaml": "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n",
        "platform/environments/local.yaml": "version: 1\n",
        **{f"pipelines/team/p{number}.yaml": GOOD for number in range(PIPELINES)},
    }.items():
        (configs / name).parent.mkdir(parents=True, exist_ok=True)
        (configs / name).write_text(text)
    return tmp_path


def bag(home: Path, file: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=home / "dags" / file, bundle_path=home, bundle_name="b")


def test_every_dag_is_in_one_shard_and_a_new_file_moves_no_other(home: Path) -> None:
    before = [set(bag(home, f"loader_{index}.py").dags) for index in range(COUNT)]
    assert all(before) and sum(map(len, before)) == PIPELINES == len(set.union(*before))
    (home / "configs/pipelines/team/added.yaml").write_text(GOOD)
    after = [set(bag(home, f"loader_{index}.py").dags) for index in range(COUNT)]
    assert [new - old for new, old in zip(after, before, strict=True) if new != old] == [{"team.added"}]


def test_a_worker_finds_its_dag_in_the_dags_own_loader(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(COUNT):
        for dag_id, dag in list(bag(home, f"loader_{index}.py").dags.items())[:2]:
            monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
            assert set(bag(home, Path(dag.fileloc).name).dags) == {dag_id}
            monkeypatch.delenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID")


def test_one_report_covers_all_shards(home: Path) -> None:
    for number in range(8):
        (home / f"configs/pipelines/team/p{number}.yaml").write_text("version: [")
    for index in range(COUNT):
        assert not bag(home, f"loader_{index}.py").import_errors
    (row,) = bag(home, "import_errors.py").import_errors.values()
    assert all(f"team/p{number}.yaml:" in row for number in range(8))
