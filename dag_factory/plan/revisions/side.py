"""The files of one revision that the compiler reads: from git objects, or from disk."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping

import msgspec

from dag_factory.config.problems import printable_name
from dag_factory.config.source.image_folders import FOLDER as IMAGES
from dag_factory.config.source.image_folders import is_recipe
from dag_factory.plan.model import NotAnalyzed
from dag_factory.plan.revisions.attributes import Attributes, normalize, obstacle
from dag_factory.plan.revisions.git import (
    Entry,
    Repository,
    entries_of_commit,
    entries_of_index,
    read_blobs,
    untracked,
)
from dag_factory.settings import BOUNDS

_READ = (".yaml", ".yml", ".j2")  # endings of the files whose content the compiler reads
_LIMIT = BOUNDS.file_bytes + 1  # bytes: one more than the compiler accepts, so that it reports the file
_SUBMODULE, _LINK = "160000", "120000"


class Side(msgspec.Struct, frozen=True):
    """The files by their path in the project: bytes, or the target of a link as text."""

    files: dict[str, bytes | str]
    not_analyzed: tuple[NotAnalyzed, ...]


def paths_of(repository: Repository) -> tuple[str, str]:
    """The two folders that the compiler reads: ``configs/`` and ``images/``, relative to the working tree."""
    return repository.configs, f"{repository.folder}/{IMAGES}".lstrip("/")


def name_in_project(repository: Repository, path: str) -> str | None:
    """The path of a file in the project, or None if the compiler does not read it or it is not a plain path."""
    configs, images = paths_of(repository)
    if path == configs or path.startswith(f"{configs}/"):
        name = f"configs{path[len(configs) :]}"
    elif path.startswith(f"{images}/") and is_recipe(path[len(images) + 1 :]):
        name = f"{IMAGES}{path[len(images) :]}"
    else:
        return None
    # A commit may have any names. These would lead out of the folder to which the files are written.
    return None if any(part in ("", ".", "..", ".git") for part in name.split("/")) else name


def read_commit(repository: Repository, entries: Iterable[Entry], attributes: Mapping[str, Attributes]) -> Side:
    """The files of a commit or of the index."""
    files: dict[str, bytes | str] = {}
    not_analyzed: list[NotAnalyzed] = []
    wanted: dict[str, list[tuple[str, str, bool]]] = {}
    for entry in entries:
        name = name_in_project(repository, entry.path)
        if name is None:
            continue
        if entry.mode == _SUBMODULE:
            not_analyzed.append(_submodule(name))
        elif entry.mode == _LINK or _is_read(name):
            wanted.setdefault(entry.oid, []).append((name, entry.path, entry.mode == _LINK))
        else:
            files[name] = b""
    for oid, data in read_blobs(repository, wanted, _LIMIT):
        for name, path, is_link in wanted[oid]:
            if is_link:
                files[name] = os.fsdecode(data)
            else:
                _add(files, not_analyzed, name, data, attributes.get(path))
    return Side(files, tuple(not_analyzed))


def read_disk(
    repository: Repository, names: Iterable[tuple[str, str]], attributes: Mapping[str, Attributes]
) -> tuple[Side, dict[str, frozenset[str]]]:
    """The files on disk, and the ids that git may give to each of them; see ``content_ids``.

    ``names`` are the paths in the working tree, each with its mode in the index, empty if it is not in it.
    """
    files: dict[str, bytes | str] = {}
    not_analyzed: list[NotAnalyzed] = []
    ids: dict[str, frozenset[str]] = {}
    folders = _Folders(repository)
    for path, mode in names:
        name = name_in_project(repository, path.rstrip("/"))
        if name is None or not folders.is_real(path):
            continue
        if mode == _SUBMODULE or path.endswith("/"):
            not_analyzed.append(_submodule(name))
            ids[path] = frozenset()
            continue
        try:
            found = _read_file(f"{repository.top}/{path}", _is_read(name))
        except OSError as failure:
            not_analyzed.append(NotAnalyzed(printable_name(name), f"cannot be read: {failure.strerror}"))
            continue
        if found is None:
            continue
        if isinstance(found, str):
            files[name] = found
            ids[path] = content_ids(os.fsencode(found), None)
        else:
            _add(files, not_analyzed, name, found, attributes.get(path))
            ids[path] = content_ids(found, attributes.get(path)) if _is_read(name) else frozenset()
    return Side(files, tuple(not_analyzed)), ids


def content_ids(data: bytes, attributes: Attributes | None) -> frozenset[str]:
    """The ids that git may give to a content, which depend on the hash of the repository and on line endings."""
    blobs = [b"blob %d\0%b" % (len(one), one) for one in {data, normalize(data, attributes)}]
    digests = [hash_of(blob).hexdigest() for blob in blobs for hash_of in (hashlib.sha1, hashlib.sha256)]
    return frozenset(digests)


def entries_on_disk(repository: Repository) -> tuple[list[Entry], list[str]]:
    """The entries of the index, and the untracked files that are not ignored."""
    paths = paths_of(repository)
    return entries_of_index(repository, paths), untracked(repository, paths)


def entries(repository: Repository, commit: str) -> list[Entry]:
    """The entries of a commit that the compiler may read."""
    return entries_of_commit(repository, commit, paths_of(repository))


def _add(
    files: dict[str, bytes | str],
    not_analyzed: list[NotAnalyzed],
    name: str,
    data: bytes,
    attributes: Attributes | None,
) -> None:
    reason = obstacle(data, attributes) if _is_read(name) else ""
    if reason:
        not_analyzed.append(NotAnalyzed(printable_name(name), reason))
    else:
        files[name] = normalize(data, attributes)


def _submodule(name: str) -> NotAnalyzed:
    return NotAnalyzed(printable_name(name), "a submodule: its files are in another repository")


def _is_read(name: str) -> bool:
    return name.lower().endswith(_READ) and name.startswith("configs/")


def _read_file(path: str, with_content: bool) -> bytes | str | None:
    """The content of a file, or the target of a link; None if there is neither. Raises ``OSError``."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return os.readlink(path)  # noqa: PTH115 - a Path would change the text
        if not stat.S_ISREG(status.st_mode):
            return None
        if not with_content:
            return b""
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with open(handle, "rb") as stream:  # noqa: PTH123
        return stream.read(min(status.st_size + 1, _LIMIT))


class _Folders:
    """Whether a folder of the working tree is one, and not a link that took its place."""

    def __init__(self, repository: Repository) -> None:
        self._top = repository.top
        self._known = {"": True, repository.configs: True}

    def is_real(self, path: str) -> bool:
        return self._is_real(path.rstrip("/").rpartition("/")[0])

    def _is_real(self, folder: str) -> bool:
        if folder not in self._known:
            above = folder.rpartition("/")[0]
            self._known[folder] = self._is_real(above) and not os.path.islink(self._top / folder)  # noqa: PTH114
        return self._known[folder]


def without(side: Side, names: Iterable[str]) -> Side:
    """The side without some files and folders, which could not be read on the other side."""
    left_out = tuple(names)
    if not left_out:
        return side
    exact, below = set(left_out), tuple(f"{name}/" for name in left_out)
    files = {
        name: data
        for name, data in side.files.items()
        if printable_name(name) not in exact and not printable_name(name).startswith(below)
    }
    return Side(files, side.not_analyzed)
