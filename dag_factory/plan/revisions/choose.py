"""Which two revisions a plan compares.

Without arguments these are the commit at which the branch left the main branch, and the files on disk. On the merge
commit that a host makes for a pull request, it is the first parent, which is the tip of the main branch.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from dag_factory.plan.revisions.errors import FULL_HISTORY, RevisionError
from dag_factory.plan.revisions.git import Repository, git, try_git

_MAIN = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/heads/main", "refs/heads/master")
_HOST_MERGES = ("refs/remotes/pull/*/merge", "refs/pull/*/merge", "refs/merge-requests/*/merge")


class Commit(msgspec.Struct, frozen=True):
    """A commit and what a reader calls it."""

    name: str
    id: str


class Choice(msgspec.Struct, frozen=True):
    """The revisions. Without ``head``, the files on disk are the second one; ``checked_out`` is their commit."""

    base: Commit
    head: Commit | None
    checked_out: Commit


def choose(repository: Repository, base: str | None = None, head: str | None = None) -> Choice:
    """The revisions with these names, or the default ones. Raises ``RevisionError`` if one is missing."""
    current = _commit_of(repository, "HEAD")
    if current is None:
        raise RevisionError("the repository has no commit", "commit the project, then change it")
    checked_out = Commit(try_git(repository.top, "symbolic-ref", "--quiet", "--short", "HEAD") or "HEAD", current)
    chosen = _named(repository, head) if head is not None else None
    if base is not None:
        return Choice(_named(repository, base), chosen, checked_out)
    return Choice(_default_base(repository, chosen or checked_out), chosen, checked_out)


def _named(repository: Repository, name: str) -> Commit:
    found = _commit_of(repository, name)
    if found is None:
        hint = FULL_HISTORY if repository.is_shallow else "use a branch, a tag or a commit: `git log --oneline`"
        raise RevisionError(f"unknown revision `{name}`", hint)
    return Commit(name, found)


def _commit_of(repository: Repository, name: str) -> str | None:
    if name.startswith("-"):  # an option, not a name
        return None
    return try_git(repository.top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") or None


def _default_base(repository: Repository, head: Commit) -> Commit:
    main = _main_branch(repository)
    parents = _parents(repository, head.id)
    if len(parents) > 1 and _is_host_merge(repository, head, parents, main):
        if _commit_of(repository, parents[0]) is None:
            raise RevisionError(f"the first parent of the merge commit {head.id[:12]} is missing", FULL_HISTORY)
        return Commit(f"{head.name}^1", parents[0])
    if main is None:
        if repository.is_shallow:
            raise RevisionError("the main branch is not in this shallow clone", FULL_HISTORY)
        raise RevisionError(
            "no main branch: none of origin/HEAD, origin/main, main and master exists", "name it: `dagf plan BASE`"
        )
    common = try_git(repository.top, "merge-base", main.id, head.id)
    if not common:
        if repository.is_shallow:
            raise RevisionError(f"the merge base with `{main.name}` is not in this shallow clone", FULL_HISTORY)
        raise RevisionError(
            f"`{main.name}` and the current commit have no common history", "name a base: `dagf plan BASE`"
        )
    base = common.splitlines()[0]
    if repository.is_shallow and _is_cut(repository, (main.id, head.id), base):
        raise RevisionError(f"the merge base with `{main.name}` is unknown in this shallow clone", FULL_HISTORY)
    return Commit(main.name, base)


def _main_branch(repository: Repository) -> Commit | None:
    for ref in _MAIN:
        found = _commit_of(repository, ref)
        if found:
            target = try_git(repository.top, "rev-parse", "--abbrev-ref", ref)
            return Commit(target or ref.rpartition("/")[2], found)
    return None


def _parents(repository: Repository, commit: str) -> list[str]:
    """The parents that the commit names; in a shallow clone they may be missing."""
    raw = git(repository.top, "cat-file", "commit", commit).decode("utf-8", "replace")
    header = raw.partition("\n\n")[0].splitlines()
    return [line.removeprefix("parent ") for line in header if line.startswith("parent ")]


def _is_host_merge(repository: Repository, head: Commit, parents: list[str], main: Commit | None) -> bool:
    """Whether a host made the merge commit to test a pull request, and not a person who merged main into a branch."""
    if head.name != "HEAD":  # a branch, or a revision that the user named
        return False
    if try_git(repository.top, "for-each-ref", f"--points-at={head.id}", "--format=%(refname)", *_HOST_MERGES):
        return True
    if main is None or _is_ancestor(repository, head.id, main.id):
        return False
    return _is_ancestor(repository, parents[0], main.id) and not _is_ancestor(repository, parents[1], main.id)


def _is_ancestor(repository: Repository, commit: str, of: str) -> bool:
    return try_git(repository.top, "merge-base", "--is-ancestor", commit, of) is not None


def _is_cut(repository: Repository, tips: Iterable[str], base: str) -> bool:
    """Whether a path from one of the tips ends before it reaches ``base``: then there may be a later common commit."""
    file = Path(git(repository.top, "rev-parse", "--git-path", "shallow").decode().strip())
    path = file if file.is_absolute() else repository.top / file
    try:
        boundary = set(path.read_text().split())
    except OSError:
        return True
    after = git(repository.top, "rev-list", *tips, f"^{base}").decode().split()
    return not boundary.isdisjoint(after)
