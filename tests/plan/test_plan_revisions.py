"""Which revisions a plan compares."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_project import PIPELINE, GitProject, new_project

from dag_factory.plan.make_plan import make_plan
from dag_factory.plan.model import Plan
from dag_factory.plan.revisions.errors import RevisionError

ORDERS = "configs/pipelines/sales/orders.yaml"
CHANGED = PIPELINE.replace("image:1", "image:2")


def a_pipeline(name: str) -> str:
    """The file of a pipeline that is like no other."""
    return f"configs/pipelines/sales/{name}.yaml"


def unlike(name: str) -> str:
    return f"version: 1\njobs:\n  {name}: {{docker_image: acme/{name}, resource_flavor: large, args: [{name}]}}\n"


def changes(plan: Plan) -> list[str]:
    """Each change as ``kind id``."""
    return [f"{change.kind} {change.id}" for change in plan.changes]


def clone(project: GitProject, folder: Path, *options: str) -> GitProject:
    project.git("clone", "--quiet", *options, f"file://{project.top}", str(folder))
    return GitProject(folder)


def diverged(tmp_path: Path) -> GitProject:
    """A branch ``feature`` with a pipeline ``mine``, and ``main`` that has a pipeline ``later`` since."""
    project = new_project(tmp_path / "project")
    project.git("switch", "--quiet", "--create", "feature")
    project.commit({a_pipeline("mine"): unlike("mine")})
    project.git("switch", "--quiet", "main")
    project.commit({a_pipeline("later"): unlike("later")})
    return project


def test_the_default_is_the_merge_base_against_the_files_on_disk(tmp_path: Path) -> None:
    project = diverged(tmp_path)
    base = project.git("rev-parse", "main~1")
    project.git("switch", "--quiet", "feature")
    project.write({a_pipeline("untracked"): unlike("untracked")})

    plan = make_plan(project.home)

    assert changes(plan) == ["added sales.mine", "added sales.untracked"]
    assert (plan.base.name, plan.base.commit) == ("main", base)
    assert (plan.head.name, plan.head.commit) == ("feature", project.git("rev-parse", "feature"))
    assert plan.head.dirty


def test_a_clean_working_tree_is_not_dirty(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    project.git("switch", "--quiet", "--create", "feature")
    project.commit({ORDERS: CHANGED})

    plan = make_plan(project.home)

    assert changes(plan) == ["changed sales.orders"]
    assert not plan.head.dirty


def test_two_commits(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    first = project.git("rev-parse", "HEAD")
    second = project.commit({ORDERS: CHANGED})
    project.write({ORDERS: None})

    assert changes(make_plan(project.home, first, second)) == ["changed sales.orders"]
    assert changes(make_plan(project.home, second, first)) == ["changed sales.orders"]
    assert changes(make_plan(project.home, "HEAD~1")) == ["removed sales.orders"]
    assert changes(make_plan(project.home, second, second)) == []


@pytest.mark.parametrize("name", ["no-such-branch", "--help", "HEAD~9", ""])
def test_an_unknown_revision(name: str, tmp_path: Path) -> None:
    project = new_project(tmp_path)
    with pytest.raises(RevisionError, match=f"unknown revision `{name}`"):
        make_plan(project.home, name)


@pytest.mark.parametrize("ref", ["refs/remotes/pull/7/merge", None])
def test_on_the_merge_commit_of_a_host_the_base_is_its_first_parent(ref: str | None, tmp_path: Path) -> None:
    project = diverged(tmp_path)
    main = project.git("rev-parse", "main")
    project.git("switch", "--quiet", "--detach", "main")
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "feature")
    if ref:
        project.git("update-ref", ref, "HEAD")
        project.git("branch", "--quiet", "--force", "main", "main~1")  # the local branch is old

    plan = make_plan(project.home)

    assert plan.base.commit == main
    assert changes(plan) == ["added sales.mine"]


def test_a_person_who_merges_main_into_a_branch(tmp_path: Path) -> None:
    project = diverged(tmp_path)
    project.git("switch", "--quiet", "feature")
    project.git("merge", "--quiet", "--no-edit", "main")

    for detach in (False, True):
        if detach:
            project.git("switch", "--quiet", "--detach")
        plan = make_plan(project.home)
        assert plan.base.commit == project.git("rev-parse", "main")
        assert changes(plan) == ["added sales.mine"]


def test_a_shallow_clone_of_a_merge_commit(tmp_path: Path) -> None:
    project = diverged(tmp_path)
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "feature")
    for depth in (1, 2):
        checkout = clone(project, tmp_path / f"depth-{depth}", "--depth", str(depth))
        checkout.git("update-ref", "refs/remotes/pull/7/merge", "HEAD")
        checkout.git("switch", "--quiet", "--detach")
        if depth == 1:
            with pytest.raises(RevisionError, match="fetch-depth: 0"):
                make_plan(checkout.home)
        else:
            assert changes(make_plan(checkout.home)) == ["added sales.mine"]


def test_a_shallow_clone_without_the_merge_base(tmp_path: Path) -> None:
    project = diverged(tmp_path)
    checkout = clone(project, tmp_path / "shallow", "--depth", "1", "--no-single-branch", "--branch", "feature")
    with pytest.raises(RevisionError, match="fetch-depth: 0"):
        make_plan(checkout.home)


def test_a_shallow_clone_in_which_git_finds_an_older_common_commit(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    project.git("switch", "--quiet", "--create", "old")
    project.commit({a_pipeline("old"): unlike("old")})
    project.git("switch", "--quiet", "main")
    between = project.commit({a_pipeline("between"): unlike("between")})
    project.git("switch", "--quiet", "--create", "feature")
    cut = project.commit({a_pipeline("mine"): unlike("mine")})
    project.git("merge", "--quiet", "--no-edit", "old")
    project.git("branch", "--quiet", "--force", "copy", cut)
    Path(project.top, ".git", "shallow").write_text(f"{cut}\n")

    with pytest.raises(RevisionError, match="fetch-depth: 0"):
        make_plan(project.home)

    Path(project.top, ".git", "shallow").unlink()
    assert make_plan(project.home).base.commit == between


def test_other_names_of_the_main_branch(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    project.git("branch", "--quiet", "--move", "trunk")
    checkout = clone(project, tmp_path / "clone")
    checkout.git("switch", "--quiet", "--create", "feature")
    checkout.git("branch", "--quiet", "--delete", "trunk")
    assert make_plan(checkout.home).base.name == "origin/trunk"

    project.git("branch", "--quiet", "--move", "master")
    assert make_plan(project.home).base.name == "master"

    project.git("branch", "--quiet", "--move", "other")
    with pytest.raises(RevisionError, match="no main branch: none of origin/HEAD, origin/main, main and master"):
        make_plan(project.home)


def test_branches_without_common_history(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    project.git("switch", "--quiet", "--orphan", "feature")
    project.commit({ORDERS: PIPELINE})
    with pytest.raises(RevisionError, match="no common history"):
        make_plan(project.home)


def test_a_detached_head_and_a_worktree(tmp_path: Path) -> None:
    project = diverged(tmp_path)
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), "feature")

    plan = make_plan(tmp_path / "tree")

    assert changes(plan) == ["added sales.mine"]
    assert plan.head.name == "HEAD"


def test_a_project_below_the_top_of_the_repository(tmp_path: Path) -> None:
    project = new_project(tmp_path, "data/pipelines")
    project.write({ORDERS: CHANGED, "../../configs/pipelines/sales/other.yaml": PIPELINE})

    plan = make_plan(project.home)

    assert changes(plan) == ["changed sales.orders"]
    assert plan.changes[0].file == ORDERS


def test_without_a_repository_or_a_commit(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    with pytest.raises(RevisionError, match="is not in a git repository"):
        make_plan(tmp_path)
    GitProject(tmp_path).git("init", "--quiet")
    with pytest.raises(RevisionError, match="the repository has no commit"):
        make_plan(tmp_path)


def test_a_base_without_the_project(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    project.git("switch", "--quiet", "--orphan", "empty")
    empty = project.commit()
    project.git("switch", "--quiet", "main")

    assert changes(make_plan(project.home, empty)) == ["added sales.orders"]
    assert changes(make_plan(project.home, "main", empty)) == ["removed sales.orders"]
