"""The platform team's files of one project, each read once.

A checkout may change them in the middle of a pass. The bytes that a pass compiles with and the digest in its cache keys
must belong together, or the cache would hold a wrong entry.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from dag_factory.config.digest import digest
from dag_factory.config.problems import Problem, printable_name
from dag_factory.config.source import files, image_folders
from dag_factory.config.source.layout import PLATFORM, environments
from dag_factory.config.suggestions import did_you_mean
from dag_factory.settings import BOUNDS

_ENDINGS = (".yaml", ".yml", ".j2")


class PlatformFiles:
    """Everything below ``configs/platform/`` of the project in ``home``, as it was when it was first read.

    Two objects are equal if their files are.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._read: dict[str, bytes | Problem | None] = {}

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlatformFiles) and self.digest == other.digest

    def read(self, file: str) -> bytes | Problem | None:
        """The bytes of a file, or the problem that prevents reading it; None if there is no such file."""
        if file not in self._read:
            self._read[file] = self._bytes(file) if self._exists(file) else self._misnamed(file)
        return self._read[file]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of every file that could be a table or a template, sorted. Links to folders are not followed.

        A folder with such a name is included. Reading it fails, so that its contents are not silently ignored.
        """
        found: list[str] = []
        prefix = len(f"{self.home}/")
        for parent, folders, names in os.walk(f"{self.home}/{PLATFORM}"):
            found += (f"{parent}/{name}"[prefix:] for name in (*names, *folders) if _may_be_table(name))
            deep = parent.count("/", prefix) > BOUNDS.folders
            folders[:] = [] if deep else [name for name in folders if not _may_be_table(name)]
        return tuple(sorted(found))

    def unknown(self, tables: Collection[str]) -> Iterator[Problem]:
        """Yield a warning for each file beside the ``tables`` that is not one of them."""
        known = {file.rpartition("/")[2] for file in tables}
        for file in self.names:
            folder, _, name = file.rpartition("/")
            if folder == PLATFORM and name not in known and not any(_is_similar(name, table) for table in known):
                message, hint = "nothing reads this file", did_you_mean(name, known)
                yield Problem(printable_name(file), 0, 0, "unknown-file", message, hint=hint, severity="warning")

    @cached_property
    def image_folders(self) -> tuple[str, ...]:
        """The folders of code that stand for images on a local machine."""
        return image_folders.folders(self.home)

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """The environments of the project, sorted."""
        return environments(self.home)

    @cached_property
    def digest(self) -> str:
        """A digest of the names and bytes of all files; for a file that cannot be read, of its problem."""
        parts = [name.encode() for name in self.environments]
        for file in self.names:
            data = self.read(file)
            parts += (os.fsencode(file), data if isinstance(data, bytes) else repr(data).encode())
        return digest(*parts)

    def have_changed(self) -> bool:
        """Whether the files differ from what was read."""
        return PlatformFiles(self.home) != self

    def _exists(self, file: str) -> bool:
        if "names" in self.__dict__:  # a file created later belongs to another state
            return file in self.names
        path = self.home / file
        folders = path.parents[: len(Path(file).relative_to(PLATFORM).parts) - 1]
        return os.path.lexists(path) and not any(folder.is_symlink() for folder in folders)

    def _misnamed(self, table: str) -> Problem | None:
        """A problem if a table exists under a similar name: its limits must not be silently ignored."""
        folder, _, wanted = table.rpartition("/")
        if folder != PLATFORM:
            return None
        for file in self.names:
            parent, _, name = file.rpartition("/")
            if parent == folder and _is_similar(name, wanted):
                message, hint = f"the name of this table must be `{wanted}`", "rename it"
                return Problem(printable_name(file), 0, 0, "bad-name", message, hint=hint)
        return None

    @cached_property
    def _is_link(self) -> bool:
        return (self.home / PLATFORM).is_symlink()

    def _bytes(self, file: str) -> bytes | Problem:
        read = files.read_bytes if self._is_link else files.read_listed
        return read(f"{self.home}/{file}", f"{self.home}/configs", file)


def _may_be_table(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _is_similar(name: str, table: str) -> bool:
    """Whether a file's name differs from a table's name only in case or ending."""
    return name.lower().removesuffix(".yml").removesuffix(".yaml") == table.removesuffix(".yaml")
