"""What compiling keeps between processes: outcomes by what they were made from, and the last good of each DAG.

The name of an outcome is a digest of everything it follows from: the file, the platform's tables, the
environment, and this package. So nothing kept is ever wrong, only missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec

from dag_factory import settings
from dag_factory.config import files, schemas
from dag_factory.config.layout import SHIPPED
from dag_factory.config.outcomes import Outcome
from dag_factory.config.places import Mark
from dag_factory.config.problems import Problem
from dag_factory.config.store import Store, digest

_LAST_GOOD = "last_good"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Outcome)


class Good(msgspec.Struct, frozen=True, array_like=True):
    """Where the last good model of a DAG is kept: the id of its file, and the name of the outcome."""

    file: str
    name: str


class Summary(msgspec.Struct, frozen=True):
    """What a whole project needs of its tables; ``teams`` are the places of their names."""

    pools: dict[str, int]
    problems: tuple[Problem, ...]
    teams: dict[str, Mark] = {}


class Kept:
    """What is kept for one project in one environment; ``share`` names one loader's part of it."""

    def __init__(self, home: Path, environment: str, share: str = "") -> None:
        self._home, self._environment, self._share = home, environment, share
        folder = settings.cache_folder()
        name = digest(str(home).encode())[:16]
        self._store = Store(folder / name if folder else None, settings.BOUNDS.kept_outcomes)
        self._written = 0

    @cached_property
    def _stamp(self) -> bytes:
        """A digest of everything that an outcome follows from beside its file."""
        return digest(package(), self._environment.encode(), *_contents(self._home / "configs" / "platform")).encode()

    def name(self, file: str, data: bytes) -> str:
        """The name of a file's outcome; none where nothing is kept anyway."""
        return digest(self._stamp, file.encode(), data) if self._store.is_usable() else ""

    def outcome(self, name: str) -> Outcome | None:
        """The outcome of that name, if it is kept."""
        return _decoded(self._store.get(name))

    def keep(self, name: str, outcome: Outcome) -> None:
        """Keep an outcome."""
        self._store.put(name, _ENCODER.encode(outcome))
        self._written += 1

    def summary(self) -> Summary | None:
        """What was kept of the tables as they are now."""
        data = self._store.get(digest(self._stamp, b"summary"))
        try:
            return msgspec.msgpack.decode(data, type=Summary) if data is not None else None
        except msgspec.MsgspecError:
            return None

    def keep_summary(self, summary: Summary) -> None:
        """Keep what is needed of the tables as they are now."""
        self._store.put(digest(self._stamp, b"summary"), _ENCODER.encode(summary))

    def last_good(self, everyone: bool = False) -> dict[str, Good]:
        """Each DAG's last good outcome, by the DAG's id; empty where that is turned off.

        Of this loader's share, or of all shares, as a worker needs it.
        """
        if not settings.keeps_last_good():
            return {}
        lists = (
            [self._good_name]
            if not everyone
            else [name for name in self._store.names() if f"{name}.".startswith(f"{_LAST_GOOD}.{self._environment}.")]
        )
        return {dag_id: good for name in lists for dag_id, good in self._read_good(name).items()}

    def keep_last_good(self, good: dict[str, Good]) -> None:
        """Keep what is good now, and forget outcomes that nobody needs."""
        if settings.keeps_last_good() and good != self.last_good():
            self._store.put(self._good_name, _ENCODER.encode(good))
        if self._written:
            self._store.trim(self._needed())

    @property
    def _good_name(self) -> str:
        return ".".join(part for part in (_LAST_GOOD, self._environment, self._share) if part)

    def _read_good(self, name: str) -> dict[str, Good]:
        data = self._store.get(name)
        try:
            return msgspec.msgpack.decode(data, type=dict[str, Good]) if data is not None else {}
        except msgspec.MsgspecError:
            return {}

    def _needed(self) -> set[str]:
        """Every outcome that is somebody's last good, and the lists that say so."""
        lists = [name for name in self._store.names() if name.startswith(_LAST_GOOD)]
        return {*lists, *(good.name for name in lists for good in self._read_good(name).values())}


def _decoded(data: bytes | None) -> Outcome | None:
    try:
        return _DECODER.decode(data) if data is not None else None
    except msgspec.MsgspecError:
        return None


def _contents(folder: Path) -> Iterable[bytes]:
    """Name and bytes of every file below a folder, in order; what cannot be read counts as its problem."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            data = files.read_bytes(path, folder, name)
            yield str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
            yield data if isinstance(data, bytes) else repr(data).encode()


@lru_cache(1)
def package() -> bytes:
    """What tells this version of the compiler from every other: its files by size and time."""
    here = Path(__file__).resolve().parent
    found = [*here.glob("*.py"), *schemas.folder().glob("*.json"), *SHIPPED.glob("**/*.j2")]
    marks = [f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in sorted(found)]
    return "\n".join(marks).encode()
