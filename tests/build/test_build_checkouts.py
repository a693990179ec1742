"""A project whose checkouts lie in different folders: all of them share one cache."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[2] / "dags"
CONTEXT = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"
FLAVORS = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n"
GOOD = "version: 1\ndescription: first\ndefaults: {docker_image: i, resource_flavor: small}\n"
BROKEN = "version: ["
MENDED = GOOD.replace("first", "mended")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    yield
    from dag_factory.build.project import locate_project  # only after these tests have set Airflow's home

    locate_project._bundles_folder.cache_clear()


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this Airflow's bundles."""
    from dag_factory.build.project import locate_project

    folder = tmp_path / "bundles"
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(folder))
    locate_project._bundles_folder.cache_clear()
    return folder


def checkout(folder: Path, pipeline: str) -> Path:
    """Create a commit of the project in a folder, with the given pipeline."""
    shutil.copytree(DAGS, folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in {
        "platform/flavors.yaml": FLAVORS,
        "platform/environments/dev.yaml": "version: 1\n",
        "pipelines/team/one.yaml": pipeline,
        "pipelines/team/two.yaml": GOOD,
    }.items():
        path = folder / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def parsed(folder: Path) -> dict[str, Any]:
    """The DAGs that the DAG processor finds."""
    from airflow.dag_processing.dagbag import DagBag

    found = DagBag(dag_folder=folder / "dags/loader.py", bundle_path=folder, bundle_name="b")
    assert not found.import_errors
    return dict(found.dags)


def for_a_task(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The DAG ``team.one`` that a worker finds, or None."""
    monkeypatch.setenv(CONTEXT, "team.one")
    found = parsed(folder).get("team.one")
    monkeypatch.delenv(CONTEXT)
    return found


def test_a_link_that_is_replaced_at_each_commit_keeps_the_last_good_versions(tmp_path: Path) -> None:
    # like git-sync: a worktree for each commit, and a link to the newest one
    link = tmp_path / "repo"
    link.symlink_to(checkout(tmp_path / "worktrees/aaa", GOOD))
    assert set(parsed(link)) == {"team.one", "team.two"}
    checkout(tmp_path / "worktrees/bbb", BROKEN)
    link.unlink()
    link.symlink_to(tmp_path / "worktrees/bbb")
    found = parsed(link)
    assert "last good version" in found["team.one"].tags and "last good version" not in found["team.two"].tags


def test_a_linked_dags_folder_keeps_the_last_good_versions(tmp_path: Path) -> None:
    dags = tmp_path / "airflow" / "dags"
    dags.parent.mkdir()
    for name, text in (("aaa", GOOD), ("bbb", BROKEN)):
        dags.unlink(missing_ok=True)
        dags.symlink_to(checkout(tmp_path / name, text) / "dags")
        found = parsed(dags.parent)
    assert "last good version" in found["team.one"].tags


@pytest.mark.parametrize("below", ["", "data/science"])
def test_a_run_pinned_to_a_commit_finds_the_version_of_the_dag_processor(
    bundles: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    # like Airflow's git bundle: a folder that follows the branch, and one for each version that runs use
    tracked = bundles / "main" / "tracking_repo" / below
    for version, text in (("aaa", GOOD), ("bbb", BROKEN), ("ccc", MENDED)):
        shutil.rmtree(bundles / "main" / "tracking_repo", ignore_errors=True)
        checkout(tracked, text)
        checkout(bundles / "main" / "versions" / version / below, text)
        assert set(parsed(tracked)) == {"team.one", "team.two"}
    found = {name: for_a_task(bundles / f"main/versions/{name}" / below, monkeypatch) for name in ("aaa", "bbb", "ccc")}
    assert {name: dag.description for name, dag in found.items()} == {"aaa": "first", "bbb": "first", "ccc": "mended"}
    assert [name for name, dag in found.items() if "last good version" in dag.tags] == ["bbb"]


@pytest.mark.usefixtures("airflow_database")  # the bundle reads a connection
def test_airflows_own_git_bundle(tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.providers.git.bundles.git import GitDagBundle

    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--initial-branch", "main")
    where = {"tracking_ref": "main", "repo_url": str(repository), "subdir": "dags"}
    versions: list[str] = []
    for text in (GOOD, BROKEN, MENDED):
        for folder in ("configs", "dags"):
            shutil.rmtree(repository / folder, ignore_errors=True)
        checkout(repository, text)
        git(repository, "add", "--all")
        git(repository, "commit", "--message", "A commit")
        bundle = GitDagBundle(name="ours", **where)
        bundle.initialize()
        assert bundle.path.is_relative_to(bundles)
        assert set(parsed(bundle.path.parent)) == {"team.one", "team.two"}
        versions.append(bundle.get_current_version().version)
    found = []
    for version in versions:
        pinned = GitDagBundle(
            name="ours", version=version, tracking_ref="main", repo_url=str(repository), subdir="dags"
        )
        pinned.initialize()
        found.append(for_a_task(pinned.path.parent, monkeypatch))
    assert len({dag.fileloc for dag in found}) == 3
    assert [dag.description for dag in found] == ["first", "first", "mended"]
    assert ["last good version" in dag.tags for dag in found] == [False, True, False]


def git(repository: Path, *words: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", "-C", str(repository), *identity, *words], check=True, capture_output=True)


def test_two_bundles_do_not_share_their_last_good_versions(bundles: Path) -> None:
    parsed(checkout(bundles / "blue/tracking_repo", GOOD))
    assert set(parsed(checkout(bundles / "green/tracking_repo", BROKEN))) == {"team.two"}
