"""The platform team's files of one project, each read once.

A checkout may change them in the middle of a pass. What a pass compiles with, and the digest under which it is
kept, are of the same bytes, or something kept would be wrong for ever.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from dag_factory.config import files
from dag_factory.config.layout import PLATFORM, environments
from dag_factory.config.problems import Problem
from dag_factory.config.store import digest
from dag_factory.settings import BOUNDS


class PlatformFiles:
    """Everything below ``configs/platform/`` of the project in ``home``, as it was when it was first asked for.

    Two of them are equal where all that they hold is.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._read: dict[str, bytes | Problem | None] = {}

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlatformFiles) and self.digest == other.digest

    def read(self, file: str) -> bytes | Problem | None:
        """A file's bytes by its name below ``home``, the problem that keeps them from being read, or None: no file."""
        if file not in self._read:
            self._read[file] = self._bytes(file) if self._is_there(file) else None
        return self._read[file]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of every file, sorted. Links to folders are not followed."""
        found: list[str] = []
        above = len(f"{self.home}/")
        for parent, folders, names in os.walk(f"{self.home}/{PLATFORM}"):
            found += (f"{parent}/{name}"[above:] for name in names)
            if parent.count("/", above) > BOUNDS.folders:
                folders.clear()
        return tuple(sorted(found))

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """The environments that the project has, sorted."""
        return environments(self.home)

    @cached_property
    def digest(self) -> str:
        """One name for the names and bytes of all of them; what cannot be read counts as its problem."""
        parts = [name.encode() for name in self.environments]
        for file in self.names:
            data = self.read(file)
            parts += (os.fsencode(file), data if isinstance(data, bytes) else repr(data).encode())
        return digest(*parts)

    def have_changed(self) -> bool:
        """Whether they are others by now than when they were read."""
        return PlatformFiles(self.home) != self

    def _is_there(self, file: str) -> bool:
        if "names" in self.__dict__:  # what came later is of another state
            return file in self.names
        path = self.home / file
        folders = path.parents[: len(Path(file).relative_to(PLATFORM).parts) - 1]
        return os.path.lexists(path) and not any(folder.is_symlink() for folder in folders)

    @cached_property
    def _is_link(self) -> bool:
        return (self.home / PLATFORM).is_symlink()

    def _bytes(self, file: str) -> bytes | Problem:
        read = files.read_bytes if self._is_link else files.read_listed
        return read(f"{self.home}/{file}", f"{self.home}/configs", file)
