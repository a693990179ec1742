"""What a plan reads of a revision, and what it must not do with a hostile one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from git_project import PIPELINE, GitProject, new_project
from test_plan_revisions import CHANGED, ORDERS, a_pipeline, changes, unlike

from dag_factory.plan.make_plan import make_plan
from dag_factory.plan.revisions.checkout import check_out

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"


def test_ignored_files_are_not_read(tmp_path: Path) -> None:
    project = new_project(tmp_path, files={".gitignore": "local.yaml\n"})
    project.write({a_pipeline("local"): PIPELINE, a_pipeline("new"): unlike("new")})
    assert changes(make_plan(project.home)) == ["added sales.new"]


def test_staged_and_deleted_files(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    project.write({a_pipeline("staged"): unlike("staged")})
    project.git("add", "--all")
    project.write({ORDERS: None})
    assert changes(make_plan(project.home)) == ["removed sales.orders", "added sales.staged"]


def test_files_that_a_sparse_checkout_leaves_out(tmp_path: Path) -> None:
    project = new_project(tmp_path, files={a_pipeline("../team/other"): unlike("other")})
    project.git("sparse-checkout", "set", "--cone", "configs/platform", "configs/pipelines/sales")
    assert not (project.home / "configs/pipelines/team").exists()

    plan = make_plan(project.home)

    assert (changes(plan), plan.head.dirty) == ([], False)


@pytest.mark.parametrize("attributes", ["*.yaml text eol=crlf\n", "* text=auto\n", ""])
def test_line_endings_that_git_converts_are_no_change(attributes: str, tmp_path: Path) -> None:
    project = new_project(tmp_path, files={".gitattributes": attributes} if attributes else {})
    if not attributes:
        project.git("config", "core.autocrlf", "true")
    project.write({ORDERS: PIPELINE.replace("\n", "\r\n")})

    plan = make_plan(project.home)

    assert (changes(plan), plan.head.dirty) == ([], False)
    project.write({ORDERS: CHANGED.replace("\n", "\r\n")})
    assert changes(make_plan(project.home)) == ["changed sales.orders"]


@pytest.mark.parametrize("compares_commits", [False, True])
def test_each_revision_has_its_own_attributes(compares_commits: bool, tmp_path: Path) -> None:
    crlf = PIPELINE.replace("\n", "\r\n")
    project = new_project(tmp_path, files={".gitattributes": "*.yaml -text\n", ORDERS: crlf})
    project.git("checkout", "--quiet", "-b", "change")
    project.write({".gitattributes": "*.yaml text eol=crlf\n", ORDERS: crlf})
    if compares_commits:
        project.commit()
    before = {path.name for path in (project.top / ".git").iterdir()}

    with check_out(project.home, "main", "change" if compares_commits else None) as found:
        texts = [(home / ORDERS).read_bytes() for home in (found.base_home, found.head_home)]
    assert texts == [crlf.encode(), PIPELINE.encode()]
    assert changes(make_plan(project.home, "main")) == []
    assert {path.name for path in (project.top / ".git").iterdir()} == before


def test_a_filter_that_the_change_removes_still_hides_the_old_file(tmp_path: Path) -> None:
    project = new_project(tmp_path, files={".gitattributes": "orders.yaml filter=evil\n"})
    project.git("checkout", "--quiet", "-b", "change")
    project.commit({".gitattributes": "", ORDERS: CHANGED})

    plan = make_plan(project.home, "main")

    assert changes(plan) == []
    assert [one.file for one in plan.not_analyzed] == [ORDERS]


def test_a_submodule_is_not_analyzed(tmp_path: Path) -> None:
    other = new_project(tmp_path / "other")
    project = new_project(tmp_path / "project")
    project.git("submodule", "--quiet", "add", str(other.top), "configs/pipelines/shared")
    project.write({"configs/pipelines/shared/late.yaml": unlike("late")})

    plan = make_plan(project.home)

    assert changes(plan) == []
    assert [(one.file, one.reason) for one in plan.not_analyzed] == [
        ("configs/pipelines/shared", "a submodule: its files are in another repository")
    ]


def test_an_untracked_repository_is_not_analyzed(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    nested = GitProject(project.home / "configs/pipelines/nested")
    nested.top.mkdir()
    nested.git("init", "--quiet")
    nested.write({"flow.yaml": unlike("flow")})

    plan = make_plan(project.home)

    assert changes(plan) == []
    assert [one.file for one in plan.not_analyzed] == ["configs/pipelines/nested"]


def test_a_pointer_of_git_lfs_is_not_analyzed(tmp_path: Path) -> None:
    project = new_project(tmp_path, files={ORDERS: POINTER})
    project.write({ORDERS: PIPELINE})

    plan = make_plan(project.home)

    assert changes(plan) == []
    assert [(one.file, one.reason) for one in plan.not_analyzed] == [
        (ORDERS, "a pointer of Git LFS, not the file itself")
    ]


def test_a_file_with_a_filter_is_not_analyzed_and_the_filter_not_run(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project", files={".gitattributes": "orders.yaml filter=evil\n"})
    for name in ("clean", "smudge", "process"):
        project.git("config", f"filter.evil.{name}", f"touch {tmp_path}/ran; cat")
    project.write({ORDERS: CHANGED})

    plan = make_plan(project.home)

    assert changes(plan) == []
    assert [one.reason for one in plan.not_analyzed] == ["git changes it by `evil`, which is not run"]
    assert not (tmp_path / "ran").exists()


def test_links_in_the_project(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    link = project.home / a_pipeline("linked")
    link.symlink_to("orders.yaml")
    assert changes(make_plan(project.home)) == ["added sales.linked"]
    project.commit()

    assert changes(make_plan(project.home)) == []
    project.write({ORDERS: CHANGED})
    assert changes(make_plan(project.home)) == ["changed sales.linked", "changed sales.orders"]


def test_a_link_to_a_file_outside_is_an_error_and_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text(unlike("secret"))
    project = new_project(tmp_path / "project")
    (project.home / a_pipeline("evil")).symlink_to(secret)
    project.git("add", "--all")
    for base, head in ((None, None), ("HEAD~1", "HEAD")):
        if head:
            project.commit()
        plan = make_plan(project.home, base, head)
        assert changes(plan) == ["broken sales.evil"]
        assert [problem.code for problem in plan.new_problems] == ["outside-configs"]


def test_a_commit_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    """A tree may have a link and a folder of the same name, and names with `..`."""
    project = new_project(tmp_path / "project")
    target = tmp_path / "target"
    target.mkdir()
    blob = project.git("hash-object", "-w", ORDERS)
    Path(project.top, "link").write_text(str(target))
    link = project.git("hash-object", "-w", "link")

    def tree(*entries: tuple[str, str, str]) -> str:
        raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        (tmp_path / "tree").write_bytes(raw)
        return project.git("hash-object", "-t", "tree", "-w", "--literally", str(tmp_path / "tree"))

    flow = tree(("100644", "flow.yaml", blob))
    pipelines = tree(("120000", "sales", link), ("40000", "sales", flow), ("40000", "..", tree(("40000", "..", flow))))
    root = tree(("40000", "configs", tree(("40000", "pipelines", pipelines))))
    commit = project.git("commit-tree", root, "-m", "evil")

    with check_out(project.home, "main", commit) as found:
        inside = sorted(str(path.relative_to(found.head_home)) for path in found.head_home.rglob("*.yaml"))
    assert inside == ["configs/pipelines/sales/flow.yaml"]
    assert [*target.iterdir()] == []


def test_nothing_of_the_repository_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = new_project(tmp_path / "project")
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    hooks = project.top / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).write_bytes(script.read_bytes())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "core.alternateRefsCommand"):
        project.git("config", key, str(script))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS"):
        monkeypatch.setenv(name, str(script))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    project.top.joinpath(ORDERS).write_text(CHANGED)
    ran.unlink(missing_ok=True)  # the set-up above runs the monitor

    assert changes(make_plan(project.home)) == ["changed sales.orders"]
    assert not ran.exists()


def test_missing_objects_of_a_partial_clone_are_not_fetched(tmp_path: Path) -> None:
    from dag_factory.plan.revisions.errors import RevisionError

    project = new_project(tmp_path / "project")
    project.git("config", "uploadpack.allowFilter", "true")
    first = project.git("rev-parse", "HEAD")
    project.commit({ORDERS: CHANGED})
    project.git("clone", "--quiet", "--filter=blob:none", f"file://{project.top}", str(tmp_path / "partial"))
    partial = GitProject(tmp_path / "partial")

    with pytest.raises(RevisionError, match="is not in this clone"):
        make_plan(partial.home, first)


def test_the_index_and_the_cache_are_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = new_project(tmp_path / "project")
    os.utime(project.home / ORDERS, (1, 1))  # git would refresh its index
    index = (project.top / ".git" / "index").read_bytes()
    cache = tmp_path / "cache"
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(cache))
    project.write({"configs/platform/environments/prod.yaml": "version: 1\ndescription: Production\n"})

    make_plan(project.home)

    assert (project.top / ".git" / "index").read_bytes() == index
    assert not cache.exists()


def test_the_temporary_folder_is_removed_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = new_project(tmp_path / "project")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(KeyboardInterrupt), check_out(project.home):
        assert [*folder.iterdir()]
        raise KeyboardInterrupt
    assert [*folder.iterdir()] == []
