"""Runs git so that nothing of the repository is executed, downloaded or changed.

The repository may be hostile. Its configuration can name programs: a file system monitor, hooks, a pager, filters, and
transports that fetch missing objects. The commands here run none of them. The variables ``GIT_*`` of the caller, which
git sets in a hook, would select another repository or index, so they are removed.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from dag_factory.plan.revisions.errors import RevisionError

_OPTIONS = (
    "--no-pager",
    "--literal-pathspecs",
    "--no-optional-locks",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.splitIndex=false"),  # a temporary index must not leave a file in the repository
    *("-c", "safe.bareRepository=explicit"),  # a folder of the project could be made to look like a repository
)
_KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES")
_SET = {
    "GIT_ALLOW_PROTOCOL": "none",  # git must not fetch the missing objects of a partial clone
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_CHUNK = 1 << 20


class Repository(msgspec.Struct, frozen=True):
    """A repository and where the project is in it.

    ``top`` is the folder of the working tree. ``folder`` is the project's folder in it, in POSIX form, empty for the
    working tree itself. ``configs`` is the folder ``configs/`` of the project, after links are followed.
    """

    top: Path
    folder: str
    configs: str
    is_shallow: bool


class Entry(msgspec.Struct, frozen=True):
    """An entry of a tree or of the index: ``path`` is relative to the working tree."""

    mode: str
    oid: str
    path: str
    is_skipped: bool = False
    """Whether the file is not in the working tree although it is in the index, as in a sparse checkout."""


def git(folder: Path, *arguments: str, given: bytes | None = None, index: Path | None = None) -> bytes:
    """The output of a git command. Raises ``RevisionError`` with git's own words if it fails.

    ``index`` is a file that is used in place of the index of the repository.
    """
    done = _run(folder, arguments, given, index)
    if done.returncode:
        raise RevisionError(f"git {arguments[0]} failed: {_words(done.stderr)}")
    return done.stdout


def try_git(folder: Path, *arguments: str) -> str | None:
    """The output of a git command as text, or None if it fails."""
    done = _run(folder, arguments, None)
    return None if done.returncode else os.fsdecode(done.stdout).rstrip("\n")


def find_repository(home: Path) -> Repository:
    """The repository that contains the project in ``home``. Raises ``RevisionError`` if there is none."""
    done = _run(home, ("rev-parse", "--is-shallow-repository", "--show-toplevel"), None)
    if done.returncode:
        words = _words(done.stderr)
        if "not a git repository" in words:
            raise RevisionError(f"{home} is not in a git repository", "run `git init`, and commit the project")
        raise RevisionError(f"the git repository cannot be used: {words}")
    shallow, _, top_text = os.fsdecode(done.stdout).rstrip("\n").partition("\n")
    top, real_home = Path(top_text).resolve(), home.resolve()
    configs = (home / "configs").resolve()
    for path, name in ((real_home, "the project"), (configs, "configs/")):
        if not path.is_relative_to(top):
            raise RevisionError(f"{name} is outside the git repository {top}", "commit the folder itself, not a link")
    folder = real_home.relative_to(top).as_posix()
    return Repository(
        top, "" if folder == "." else folder, configs.relative_to(top).as_posix(), shallow.strip() == "true"
    )


def entries_of_commit(repository: Repository, commit: str, paths: Sequence[str]) -> list[Entry]:
    """All files of a commit below some paths, including links and submodules."""
    found = git(repository.top, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    entries = []
    for line in filter(None, found.split(b"\0")):
        fields, _, path = line.partition(b"\t")
        mode, _, oid = fields.decode().split(" ")
        entries.append(Entry(mode, oid, os.fsdecode(path)))
    return entries


def entries_of_index(repository: Repository, paths: Sequence[str]) -> list[Entry]:
    """All files of the index below some paths. A file with a merge conflict is there once."""
    found = git(repository.top, "ls-files", "-z", "-t", "--stage", "--cached", "--", *paths)
    entries: dict[str, Entry] = {}
    for line in filter(None, found.split(b"\0")):
        fields, _, path = line.partition(b"\t")
        tag, mode, oid, _ = fields.decode().split(" ")
        name = os.fsdecode(path)
        entries[name] = Entry(mode, oid, name, tag == "S")
    return [*entries.values()]


def untracked(repository: Repository, paths: Sequence[str]) -> list[str]:
    """The untracked files below some paths that are not ignored. A repository in the repository ends in a slash."""
    found = git(repository.top, "ls-files", "-z", "--others", "--exclude-standard", "--", *paths)
    return [os.fsdecode(path) for path in found.split(b"\0") if path]


def read_blobs(repository: Repository, oids: Iterable[str], limit: int) -> Iterator[tuple[str, bytes]]:
    """The first ``limit`` bytes of each blob, by one process. Raises ``RevisionError`` if one is missing."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return
    command = _command(repository.top, ("cat-file", "--batch", "--buffer"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()) as process:
        assert process.stdin and process.stdout
        # A thread: git stops reading while nobody reads its output.
        writer = threading.Thread(target=_write, args=(process.stdin, wanted), daemon=True)
        writer.start()
        try:
            for oid in wanted:
                yield oid, _read_blob(process.stdout, oid, limit)
        finally:
            process.kill()
            writer.join()


def _write(stream: IO[bytes], oids: Sequence[str]) -> None:
    try:
        stream.write("".join(f"{oid}\n" for oid in oids).encode())
        stream.close()
    except OSError:  # the reader gave up
        pass


def _read_blob(stream: IO[bytes], oid: str, limit: int) -> bytes:
    header = stream.readline().decode().split()
    if len(header) != 3:
        raise RevisionError(
            f"the object {oid[:12]} is not in this clone",
            "in a partial clone fetch it first, or check out without `filter`; then try again",
        )
    left = int(header[2])
    data = stream.read(min(left, limit))
    left -= len(data)
    while left > 0:
        skipped = stream.read(min(left, _CHUNK))
        if not skipped:
            break
        left -= len(skipped)
    stream.read(1)
    return data


def _run(
    folder: Path, arguments: Sequence[str], given: bytes | None, index: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            _command(folder, arguments),
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            env=_environment() | ({"GIT_INDEX_FILE": str(index)} if index else {}),
            check=False,
        )
    except FileNotFoundError:
        raise RevisionError("git is not installed", "install it: a plan reads the revisions with it") from None


def _command(folder: Path, arguments: Sequence[str]) -> list[str]:
    return ["git", "-C", str(folder), *_OPTIONS, *arguments]


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    return inherited | _SET


def _words(output: bytes) -> str:
    """What git says, in one line."""
    lines = [line.removeprefix("fatal: ").strip() for line in output.decode("utf-8", "replace").splitlines()]
    return " ".join(filter(None, lines))[:500] or "no message"
