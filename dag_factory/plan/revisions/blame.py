"""Which commit wrote a line of a file, for ``dagf explain --blame``.

``git blame`` of a file on disk would run the filters and converters that the repository's configuration names. So the
last commit is blamed, and its lines are matched here with those on disk.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec

from dag_factory.plan.revisions.attributes import normalize, read_attributes
from dag_factory.plan.revisions.git import (
    Entry,
    Repository,
    entries_of_commit,
    find_repository,
    git,
    read_blobs,
    try_git,
)

_LONGEST_FILE = 8 << 20
_LINK = "120000"
NOT_COMMITTED = "this line is not committed yet"
_NO_FILE = "this file is not committed yet"
_NO_COMMIT = "the repository has no commit yet"
_IS_LINK = "this file is a link, so its lines have no history"


class Commit(msgspec.Struct, frozen=True, omit_defaults=True):
    """The commit that wrote a line. Without ``commit``, ``remark`` says why there is none. ``date`` is ISO 8601."""

    commit: str = ""
    author: str = ""
    date: str = ""
    summary: str = ""
    remark: str = ""

    @property
    def text(self) -> str:
        """The commit in one line."""
        known = f"{self.commit[:10]} {self.date[:10]} {self.author}: {self.summary}" if self.commit else ""
        return "; ".join(filter(None, (known, self.remark)))


def blame(home: Path, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Commit]:
    """The commit of each line of the project's files. Raises ``RevisionError`` if there is no usable repository.

    A line of a file that is not in the project, such as a built-in template, is left out.
    """
    wanted: dict[str, set[int]] = {}
    for file, line in places:
        if file.startswith("configs/") and line:
            wanted.setdefault(file, set()).add(line)
    repository = find_repository(home)
    head = try_git(repository.top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    found: dict[tuple[str, int], Commit] = {}
    if not head:
        return {(file, line): Commit(remark=_NO_COMMIT) for file, lines in wanted.items() for line in lines}
    paths = {file: repository.configs + file.removeprefix("configs") for file in wanted}
    entries = {entry.path: entry for entry in entries_of_commit(repository, head, sorted(paths.values()))}
    attributes = read_attributes(repository, paths.values())
    for file, lines in wanted.items():
        path = paths[file]
        entry = entries.get(path)
        if entry is None or entry.mode == _LINK:
            remark = _IS_LINK if entry else _NO_FILE
            found |= {(file, line): Commit(remark=remark) for line in lines}
            continue
        on_disk = normalize((home / file).read_bytes(), attributes.get(path))
        found |= {(file, line): one for line, one in _blame_file(repository, head, entry, on_disk, lines).items()}
    return found


def _blame_file(repository: Repository, head: str, entry: Entry, on_disk: bytes, lines: set[int]) -> dict[int, Commit]:
    [(_, committed)] = read_blobs(repository, [entry.oid], _LONGEST_FILE)
    old = _committed_lines(committed, on_disk, lines)
    output = git(
        repository.top,
        *("blame", "--porcelain", "--no-textconv", head, "--", entry.path),
    )
    commits = _read(output, repository.is_shallow)
    return {line: commits.get(old[line], Commit()) if line in old else Commit(remark=NOT_COMMITTED) for line in lines}


def _committed_lines(committed: bytes, on_disk: bytes, lines: set[int]) -> dict[int, int]:
    """The number in the last commit of each of these lines that is the same there."""
    if committed == on_disk:
        return {line: line for line in lines}
    matcher = difflib.SequenceMatcher(None, committed.split(b"\n"), on_disk.split(b"\n"), False)
    found: dict[int, int] = {}
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            if block.b + offset + 1 in lines:
                found[block.b + offset + 1] = block.a + offset + 1
    return found


def _read(output: bytes, is_shallow: bool) -> dict[int, Commit]:
    """The commit of each line of a file, from the output of ``git blame --porcelain``."""
    about: dict[str, dict[str, str]] = {}
    commits: dict[int, str] = {}
    current = ""
    for raw in output.split(b"\n"):
        line = raw.decode("utf-8", "replace")
        if raw.startswith(b"\t"):
            current = ""
        elif not current:
            fields = line.split(" ")
            if len(fields) >= 3:
                current = fields[0]
                commits[int(fields[2])] = current
                about.setdefault(current, {})
        else:
            key, _, value = line.partition(" ")
            about[current][key] = value
    return {line: _commit(name, about[name], is_shallow) for line, name in commits.items()}


def _commit(name: str, about: Mapping[str, str], is_shallow: bool) -> Commit:
    offset = about.get("author-tz", "+0000")
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    zone = timezone(timedelta(minutes=-minutes if offset.startswith("-") else minutes))
    date = datetime.fromtimestamp(int(about.get("author-time", "0")), zone).isoformat()
    missing = (
        "or an earlier commit, which this shallow clone does not have" if is_shallow and "boundary" in about else ""
    )
    return Commit(name, about.get("author", ""), date, about.get("summary", ""), missing)
