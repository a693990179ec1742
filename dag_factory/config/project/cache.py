"""What compiling keeps between processes: outcomes by what they were made from, and the last good of each DAG.

The name of an outcome is a digest of everything it follows from: the file, the platform's tables, the
environment, and this package. So nothing kept is ever wrong, only missing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec

import dag_factory
from dag_factory import settings
from dag_factory.config.digest import digest
from dag_factory.config.outcomes import FileResult
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.project.read_file import Text
from dag_factory.config.project.records import Records
from dag_factory.config.project.store import Store
from dag_factory.config.schema import registry
from dag_factory.config.source import image_folders
from dag_factory.config.source.layout import SHIPPED
from dag_factory.config.source.platform_files import PlatformFiles

T = TypeVar("T")
_STOPPED = b"stopped"
_PROBE = 65_536  # bytes
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(FileResult)


class Good(msgspec.Struct, frozen=True, array_like=True):
    """Where the last good model of a DAG is kept: the id of its file, and the name of the outcome.

    ``gone`` says that in the last pass the file was not there; ``work`` is the DAG's, 0 where it is not known.
    ``waiting`` is the outcome of a larger version that is over the loader's budget.
    """

    file: str
    name: str
    gone: bool = False
    work: int = 0
    waiting: str = ""


_GOODS = msgspec.msgpack.Decoder(dict[str, Good])


class Summary(msgspec.Struct, frozen=True):
    """What a whole project needs of its tables; ``teams`` are the places of their names."""

    pools: dict[str, int]
    problems: tuple[Problem, ...]
    teams: dict[str, Position] = {}


_SUMMARY = msgspec.msgpack.Decoder(Summary)


class Reported(msgspec.Struct, frozen=True):
    """What is wrong with a whole project in one state of its files; see ``Project.look``.

    ``broken`` are the ids of the files of which a DAG may have to be taken from before.
    """

    state: str
    problems: tuple[Problem, ...]
    broken: tuple[str, ...] = ()


_TOLD = msgspec.msgpack.Decoder(Reported)


class Cache:
    """What is kept for one project in one environment.

    ``project`` is what the project is called, wherever its files lie; ``share`` names one loader's part of it.
    Outcomes lie in a folder of the project's. In the folder ``last_good`` beside them each loader has a list.
    """

    def __init__(self, project: str, environment: str, platform: PlatformFiles, share: str = "") -> None:
        self._environment, self._platform = environment, platform
        folder = settings.cache_folder()
        own = folder / digest(project.encode())[:16] if folder else None
        self._outcomes = Store(own, settings.BOUNDS.kept_outcomes)
        self._lists = Store(own / "last_good" if own else None)
        self.records = Records(Store(own / "records" if own else None), environment)
        self._list = ".".join(part for part in (environment, share) if part)
        self._written = 0
        self.fails = False
        """Whether the folder did not take something, as on a disk that is full."""

    @cached_property
    def is_usable(self) -> bool:
        """Whether anything is kept at all."""
        return self._outcomes.is_usable

    @cached_property
    def _stamp(self) -> bytes:
        """A digest of everything that an outcome follows from beside its file."""
        local = self._platform.image_folders if self._environment == image_folders.ENVIRONMENT else ()
        images = "\n".join(local).encode()
        return digest(package(), self._environment.encode(), self._platform.digest.encode(), images).encode()

    def name(self, text: Text) -> str:
        """The name of a file's outcome; none where nothing is kept anyway, and where it cannot be read."""
        if isinstance(text.data, Problem) or not self.is_usable:
            return ""
        return digest(self._stamp, text.file.encode(), text.data)

    def outcome(self, name: str) -> FileResult | None:
        """The outcome of that name, if it is kept."""
        return _decoded(_DECODER, self._outcomes.get(name)) if name else None

    def keep(self, name: str, outcome: FileResult) -> None:
        """Keep an outcome."""
        if name and self._put(self._outcomes, name, outcome):
            self._written += 1

    def is_slow(self, name: str) -> bool:
        """Whether the file of the outcome ``name`` was found slow to compile."""
        return bool(name) and self._outcomes.get(_slow(name)) is not None

    def was_stopped(self, name: str) -> bool:
        """Whether it was even interrupted after all the time that a file may take."""
        return bool(name) and self._outcomes.get(_slow(name)) == _STOPPED

    def keep_slow(self, name: str, stopped: bool = False) -> None:
        """Keep that it is slow, or ``stopped``. Only the order of the next pass follows from that."""
        if name:
            self._outcomes.put(_slow(name), _STOPPED if stopped else b"")
            self._written += 1

    def summary(self) -> Summary | None:
        """What was kept of the tables as they are now."""
        return _decoded(_SUMMARY, self._outcomes.get(self._summary)) if self.is_usable else None

    def keep_summary(self, summary: Summary) -> None:
        """Keep what is needed of the tables as they are now."""
        if self.is_usable:
            self._put(self._outcomes, self._summary, summary)

    @property
    def _summary(self) -> str:
        return digest(self._stamp, b"summary")

    def problems(self, state: str) -> Reported | None:
        """What was last found wrong with the whole project, if that was in the same state."""
        found = _decoded(_TOLD, self._outcomes.get(self._told)) if state and self.is_usable else None
        return found if found and found.state == state else None

    def keep_problems(self, told: Reported) -> None:
        """Keep what is wrong with the whole project in one state."""
        if told.state and self.is_usable and told != self.problems(told.state):
            self._put(self._outcomes, self._told, told)

    def trouble(self) -> str:
        """Why nothing can be written, in the system's words; nothing where it can, or where nothing is to be kept."""
        if settings.cache_folder() is None:
            return ""
        if not self.is_usable:
            return "no such folder can be made, or another user may write to it"
        # As large as a large outcome: on a disk that is nearly full, small files still have room.
        return "" if self._outcomes.put(f"probe.{self._environment}", bytes(_PROBE)) else self._outcomes.error

    @property
    def _told(self) -> str:
        return f"problems.{self._environment}"

    @property
    def has_last_good(self) -> bool:
        """Whether a DAG can run on as it last was."""
        return settings.keeps_last_good() and self.is_usable

    def last_good(self) -> dict[str, Good]:
        """Each DAG's last good outcome by the DAG's id, of all shares; empty where that is turned off.

        Where two lists know a DAG, since the shares were divided anew, the newer one is right.
        """
        if not settings.keeps_last_good():
            return {}
        return {dag_id: good for name in self._names() for dag_id, good in self._read(self._lists, name).items()}

    def keep_last_good(self, good: dict[str, Good], has: Callable[[str], bool] = lambda _: True) -> None:
        """Keep what is good now in this loader's share, and forget outcomes that nobody needs.

        ``has`` tells whether a file belongs to the share. Its DAGs leave the lists of other shares, as there are after
        the files were divided anew: nobody else would ever forget them.
        """
        if settings.keeps_last_good() and good != self._read(self._lists, self._list):
            self.fails |= not self._lists.put(self._list, _ENCODER.encode(good))
        if settings.keeps_last_good() and not self.fails:
            self._take_over(has)
        if self._written:
            lists = (self._read(self._lists, name).values() for name in self._lists.by_age())
            needed = {name for one in chain.from_iterable(lists) for name in (one.name, _waiting(one.waiting))}
            self._outcomes.trim(needed)

    def _take_over(self, has: Callable[[str], bool]) -> None:
        """Remove this share's DAGs from the other lists of the environment, and lists that are empty then."""
        for name in self._names():
            listed = self._read(self._lists, name) if name != self._list else {}
            left = {dag_id: one for dag_id, one in listed.items() if not has(one.file)}
            if listed and not left:
                self._lists.drop(name)
            elif left != listed:
                self._lists.put(name, _ENCODER.encode(left))

    def _names(self) -> list[str]:
        """The lists of the environment, the newest last."""
        return [name for name in self._lists.by_age() if f"{name}.".startswith(f"{self._environment}.")]

    def stood_in(self, name: str) -> dict[str, Good]:
        """What the DAG processor last took in place of the broken outcome ``name``; nothing where it never saw it.

        A run that is pinned to a broken commit goes on with this, also when the file has long been mended.
        """
        return self._read(self._outcomes, _stand_in(name)) if name and settings.keeps_last_good() else {}

    def keep_stood_in(self, name: str, good: dict[str, Good]) -> None:
        """Keep what was taken in place of a broken outcome."""
        if name and good != self.stood_in(name):
            self._outcomes.put(_stand_in(name), _ENCODER.encode(good))
            self._written += 1

    def waiting(self, name: str) -> dict[str, Good]:
        """What the loader has in place of the DAGs of the outcome ``name`` that are over its budget."""
        return self._read(self._outcomes, _waiting(name)) if name and settings.keeps_last_good() else {}

    def keep_waiting(self, name: str, good: dict[str, Good]) -> None:
        """Record what the loader has in place of an outcome; nothing once it has the outcome itself."""
        if not good:
            self._outcomes.drop(_waiting(name))
        elif name and good != self.waiting(name):
            self.fails |= not self._outcomes.put(_waiting(name), _ENCODER.encode(good))
            self._written += 1

    def _put(self, store: Store, name: str, what: object) -> bool:
        """Whether it could be written down: text may hold half of a character, which no file can."""
        try:
            data = _ENCODER.encode(what)
        except (ValueError, OverflowError, RecursionError):
            return False
        written = store.put(name, data)
        self.fails |= not written
        return written

    def _read(self, store: Store, name: str) -> dict[str, Good]:
        return _decoded(_GOODS, store.get(name)) or {}


def _stand_in(name: str) -> str:
    return f"{name}.good"


def _waiting(name: str) -> str:
    return f"{name}.waiting"


def _slow(name: str) -> str:
    return f"{name}.slow"


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes | None) -> T | None:
    try:
        return decoder.decode(data) if data is not None else None
    except (msgspec.MsgspecError, RecursionError):
        return None


@lru_cache(1)
def package() -> bytes:
    """What tells this version of the compiler from every other: its files by size and time."""
    above = Path(dag_factory.__file__).resolve().parent
    marks = []
    for path in package_files():
        found = path.stat()
        name = path.relative_to(above) if path.is_relative_to(above) else path.name
        marks.append(f"{name}:{found.st_size}:{found.st_mtime_ns}")
    return "\n".join(marks).encode()


def package_files() -> list[Path]:
    """Every file of this package that an outcome depends on, sorted."""
    package = Path(dag_factory.__file__).resolve().parent
    code = [*(package / "config").rglob("*.py"), *package.glob("*.py")]
    return sorted([*code, *registry.folder().rglob("*.json"), *SHIPPED.rglob("*.j2")])
