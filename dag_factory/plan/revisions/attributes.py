"""What git's attributes say about files: line endings that git converts, and filters that are not run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from dag_factory.plan.revisions.git import Entry, Repository, entries_of_commit, git, try_git

_NAMES = ("text", "eol", "filter", "working-tree-encoding")
_FILE = ".gitattributes"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_CONVERTS = ("true", "input")  # values of `core.autocrlf`


class Attributes(msgspec.Struct, frozen=True):
    """``converts_line_endings``: the file has LF in git, and may have CRLF on disk. ``filter`` is what changes it."""

    converts_line_endings: bool = False
    filter: str = ""


def read_attributes(repository: Repository, paths: Iterable[str]) -> dict[str, Attributes]:
    """The attributes of files, by the ``.gitattributes`` of the working tree."""
    return _read(repository, paths)


def read_commit_attributes(repository: Repository, entries: Sequence[Entry], commit: str) -> dict[str, Attributes]:
    """The attributes of files of a commit, by its own ``.gitattributes``."""
    folders = (PurePosixPath(repository.configs), PurePosixPath(repository.folder, "configs"))  # may differ by a link
    above = sorted({(parent / _FILE).as_posix() for folder in folders for parent in folder.parents})
    own = [one for one in entries if one.path.rpartition("/")[2] == _FILE]
    found = {one.path: one for one in (*entries_of_commit(repository, commit, above), *own)}.values()
    lines = [f"{one.mode} {one.oid}\t".encode() + os.fsencode(one.path) + b"\0" for one in found if _is_safe(one.path)]
    with tempfile.TemporaryDirectory(prefix="dagf-index-") as folder:  # git before 2.40 cannot read those of a commit
        index = Path(folder, "index")
        git(repository.top, "update-index", "-z", "--index-info", given=b"".join(lines), index=index)
        return _read(repository, (one.path for one in entries), index)


def _is_safe(path: str) -> bool:
    return not {"", ".", "..", ".git"} & set(path.lower().split("/"))


def _read(repository: Repository, paths: Iterable[str], index: Path | None = None) -> dict[str, Attributes]:
    names = sorted(set(paths))
    given = b"".join(os.fsencode(name) + b"\0" for name in names)
    words = git(
        repository.top,
        "check-attr",
        *(["--cached"] if index else []),
        "-z",
        "--stdin",
        *_NAMES,
        given=given,
        index=index,
    ).split(b"\0")[:-1]
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for path, attribute, value in zip(words[::3], words[1::3], words[2::3], strict=True):
        found[os.fsdecode(path)][attribute.decode()] = value.decode("utf-8", "replace")
    autocrlf = try_git(repository.top, "config", "--get", "core.autocrlf") in _CONVERTS
    return {name: _attributes(values, autocrlf) for name, values in found.items()}


def normalize(data: bytes, attributes: Attributes | None) -> bytes:
    """The content as git stores it, so that the same content is equal on disk and in a commit."""
    if attributes and attributes.converts_line_endings and b"\r\n" in data and b"\0" not in data:
        return data.replace(b"\r\n", b"\n")
    return data


def obstacle(data: bytes, attributes: Attributes | None) -> str:
    """Why the content cannot be analyzed; empty if it can."""
    if data.startswith(_LFS_POINTER):
        return "a pointer of Git LFS, not the file itself"
    if attributes and attributes.filter:
        return f"git changes it by `{attributes.filter}`, which is not run"
    return ""


def _attributes(values: Mapping[str, str], autocrlf: bool) -> Attributes:
    text, eol = values.get("text", ""), values.get("eol", "")
    # `text` is set, unset, unspecified, or has a value: `auto`.
    converts = text in ("set", "auto") or (text != "unset" and eol in ("lf", "crlf"))
    converts = converts or (text == "unspecified" and autocrlf)
    filtering = values.get("filter", "")
    encoding = values.get("working-tree-encoding", "")
    if filtering in ("unspecified", "unset", "set", "lfs"):  # a file of Git LFS is known by its content
        filtering = ""
    if not filtering and encoding.upper() not in ("UNSPECIFIED", "UNSET", "SET", "UTF-8"):
        filtering = "working-tree-encoding"
    return Attributes(converts, filtering)
