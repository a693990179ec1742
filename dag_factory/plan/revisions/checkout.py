"""Both revisions as two folders that the compiler can read, which are removed at the end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from dag_factory.config.problems import printable_name
from dag_factory.plan.model import NotAnalyzed, Revision
from dag_factory.plan.revisions import side
from dag_factory.plan.revisions.attributes import read_attributes, read_commit_attributes
from dag_factory.plan.revisions.choose import Choice, choose
from dag_factory.plan.revisions.errors import RevisionError
from dag_factory.plan.revisions.git import Entry, Repository, find_repository
from dag_factory.plan.revisions.side import Side


class Checkout(msgspec.Struct, frozen=True):
    """``base_home`` and ``head_home`` are folders with a ``configs/`` each, if that revision has one."""

    base: Revision
    head: Revision
    base_home: Path
    head_home: Path
    not_analyzed: tuple[NotAnalyzed, ...]


@contextmanager
def check_out(home: Path, base: str | None = None, head: str | None = None) -> Iterator[Checkout]:
    """Write both revisions of the project in ``home`` to a temporary folder. Raises ``RevisionError``."""
    repository = find_repository(home)
    choice = choose(repository, base, head)
    before, after, is_dirty = _read(repository, choice)
    not_analyzed = tuple(sorted({*before.not_analyzed, *after.not_analyzed}))
    if any(one.file == "configs" for one in not_analyzed):
        raise RevisionError("configs/ is a submodule", "run `dagf plan` for the repository that contains its files")
    names = [one.file for one in not_analyzed]
    before, after = side.without(before, names), side.without(after, names)
    with tempfile.TemporaryDirectory(prefix="dagf-plan-") as folder:
        homes = Path(folder, "base"), Path(folder, "head")
        problems = [*_write(homes[0], before, {}, homes[0])]
        problems += _write(homes[1], after, before.files, homes[0])
        yield Checkout(
            Revision(choice.base.name, choice.base.id),
            _head_revision(choice, is_dirty),
            *homes,
            tuple(sorted({*not_analyzed, *problems})),
        )


def _head_revision(choice: Choice, is_dirty: bool) -> Revision:
    if choice.head is not None:
        return Revision(choice.head.name, choice.head.id)
    return Revision(choice.checked_out.name, choice.checked_out.id, is_dirty)


def _read(repository: Repository, choice: Choice) -> tuple[Side, Side, bool]:
    """Both sides, and whether the second one, on disk, differs from the commit that is checked out."""
    before = side.entries(repository, choice.base.id)
    if choice.head is not None:
        after = side.entries(repository, choice.head.id)
        return (
            _read_commit(repository, before, choice.base.id),
            _read_commit(repository, after, choice.head.id),
            False,
        )
    index, others = side.entries_on_disk(repository)
    attributes = read_attributes(repository, [*(one.path for one in index), *others])
    base_side = _read_commit(repository, before, choice.base.id)
    skipped = [one for one in index if one.is_skipped and not os.path.lexists(repository.top / one.path)]
    absent = {one.path for one in skipped}
    on_disk = [(one.path, one.mode) for one in index if one.path not in absent] + [(name, "") for name in others]
    head_side, ids = side.read_disk(repository, on_disk, attributes)
    if skipped:
        rest = side.read_commit(repository, skipped, attributes)
        head_side = Side({**head_side.files, **rest.files}, (*head_side.not_analyzed, *rest.not_analyzed))
        ids |= {one.path: frozenset([one.oid]) for one in skipped}
    committed = before if choice.base.id == choice.checked_out.id else side.entries(repository, choice.checked_out.id)
    return base_side, head_side, _is_dirty(repository, committed, ids)


def _read_commit(repository: Repository, entries: list[Entry], commit: str) -> Side:
    """The files of a commit, with its own attributes."""
    return side.read_commit(repository, entries, read_commit_attributes(repository, entries, commit))


def _is_dirty(repository: Repository, committed: list[Entry], ids: Mapping[str, frozenset[str]]) -> bool:
    """Whether the files on disk differ from a commit. Contents that the compiler does not read are not compared."""
    known = {one.path: one.oid for one in committed if side.name_in_project(repository, one.path)}
    if known.keys() != {path.rstrip("/") for path in ids}:
        return True
    return any(found and known[path] not in found for path, found in ids.items())


def _write(home: Path, files: Side, linked: Mapping[str, bytes | str], linked_home: Path) -> Iterator[NotAnalyzed]:
    """Write files; those that are equal in ``linked`` become hard links. Yield those that cannot be written.

    Links come last, when all folders exist. So no file is written through a link that leads out of the folder.
    """
    home.mkdir()
    folders: set[str] = set()
    regular = {name: data for name, data in files.files.items() if isinstance(data, bytes)}
    links = {name: target for name, target in files.files.items() if isinstance(target, str)}
    for name in files.files:
        folder = name.rpartition("/")[0]
        if folder not in folders:
            folders.add(folder)
            with suppress(OSError):  # the files in it cannot be written, and are reported
                (home / folder).mkdir(parents=True, exist_ok=True)
    for name, data in regular.items():
        try:
            if linked.get(name) != data or not _link(linked_home / name, home / name):
                Path(home, name).write_bytes(data)
        except OSError as failure:
            yield NotAnalyzed(printable_name(name), f"cannot be written: {failure.strerror}")
    for name, target in links.items():
        try:
            Path(home, name).symlink_to(target)
        except OSError as failure:
            yield NotAnalyzed(printable_name(name), f"cannot be written: {failure.strerror}")


def _link(file: Path, other: Path) -> bool:
    """Make ``other`` a hard link of ``file``, if the file system has them."""
    try:
        other.hardlink_to(file)
    except OSError:
        return False
    return True
