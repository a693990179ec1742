"""The cache between processes: compiled results by their input, and the last good version of each DAG.

The key of a result is a digest of everything that it depends on: the file, the platform's tables, the environment,
and this package. So an entry may be missing, but it is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import chain
from typing import TypeVar

import msgspec

from dag_factory import settings
from dag_factory.config.digest import digest
from dag_factory.config.file_results import FileResult
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.problems import Problem
from dag_factory.config.source import image_folders
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.storage.cache_entries import LastGood, Reported, Summary
from dag_factory.config.storage.file_store import Store
from dag_factory.config.storage.loader_records import Records
from dag_factory.config.storage.package_files import package_fingerprint
from dag_factory.config.storage.read_file import Text

T = TypeVar("T")
_STOPPED = b"stopped"
_PROBE = 65_536  # bytes
_ENCODER = msgspec.msgpack.Encoder()
_RESULT = msgspec.msgpack.Decoder(FileResult)
_LAST_GOOD = msgspec.msgpack.Decoder(dict[DagId, LastGood])
_SUMMARY = msgspec.msgpack.Decoder(Summary)
_REPORTED = msgspec.msgpack.Decoder(Reported)


class Cache:
    """The cache of one project in one environment.

    ``project`` is the name of the project, wherever its files are; ``shard`` is the name of one loader's shard.
    Results are in a folder of the project. Each loader has a list of last good versions in its folder ``last_good``.
    """

    def __init__(
        self, project: str, environment: str, platform: PlatformFiles, shard: str = "", is_on: bool = True
    ) -> None:
        self._environment, self._platform = environment, platform
        root = settings.cache_folder() if is_on else None
        folder = root / digest(project.encode())[:16] if root else None
        self._results = Store(folder, settings.BOUNDS.cached_files)
        self._lists = Store(folder / "last_good" if folder else None)
        self.records = Records(Store(folder / "records" if folder else None), environment)
        self._own_list = ".".join(part for part in (environment, shard) if part)
        self._writes = 0
        self.write_failed = False
        """Whether a write failed, for example because the disk is full."""

    @cached_property
    def is_usable(self) -> bool:
        """Whether there is a cache at all."""
        return self._results.is_usable

    @cached_property
    def _fingerprint(self) -> bytes:
        """A digest of everything that a result depends on except its file."""
        folders = self._platform.image_folders if self._environment == image_folders.ENVIRONMENT else ()
        images = "\n".join(folders).encode()
        parts = (package_fingerprint(), self._environment.encode(), self._platform.digest.encode(), images)
        return digest(*parts).encode()

    def key(self, text: Text) -> str:
        """The key of a file's result; empty if there is no cache or the file cannot be read."""
        if isinstance(text.data, Problem) or not self.is_usable:
            return ""
        return digest(self._fingerprint, text.file.encode(), text.data)

    def get(self, key: str) -> FileResult | None:
        """The result with this key, or None."""
        return _decode(_RESULT, self._results.get(key)) if key else None

    def put(self, key: str, result: FileResult) -> None:
        """Store a result."""
        if key and self._put(self._results, key, result):
            self._writes += 1

    def is_slow(self, key: str) -> bool:
        """Whether the file with this key was slow to compile."""
        return bool(key) and self._results.get(_slow(key)) is not None

    def was_stopped(self, key: str) -> bool:
        """Whether the file with this key was interrupted after the maximum time for a file."""
        return bool(key) and self._results.get(_slow(key)) == _STOPPED

    def put_slow(self, key: str, stopped: bool = False) -> None:
        """Record that a file is slow, or was ``stopped``. This changes only its place in the next pass."""
        if key:
            self._results.put(_slow(key), _STOPPED if stopped else b"")
            self._writes += 1

    def summary(self) -> Summary | None:
        """The summary of the tables in their current state."""
        return _decode(_SUMMARY, self._results.get(self._summary_key)) if self.is_usable else None

    def put_summary(self, summary: Summary) -> None:
        """Store the summary of the tables in their current state."""
        if self.is_usable:
            self._put(self._results, self._summary_key, summary)

    @property
    def _summary_key(self) -> str:
        return digest(self._fingerprint, b"summary")

    def problems(self, state: str) -> Reported | None:
        """The problems of the whole project, if they were stored in this state of its files."""
        found = _decode(_REPORTED, self._results.get(self._problems_key)) if state and self.is_usable else None
        return found if found and found.state == state else None

    def put_problems(self, reported: Reported) -> None:
        """Store the problems of the whole project in one state of its files."""
        if reported.state and self.is_usable and reported != self.problems(reported.state):
            self._put(self._results, self._problems_key, reported)

    @property
    def _problems_key(self) -> str:
        return f"problems.{self._environment}"

    def write_error(self) -> str:
        """Why nothing can be written, in the system's words; empty if writing works or the cache is off."""
        if settings.cache_folder() is None:
            return ""
        if not self.is_usable:
            return "no such folder can be made, or another user may write to it"
        # As large as a large result: a disk that is nearly full still has room for small files.
        return "" if self._results.put(f"probe.{self._environment}", bytes(_PROBE)) else self._results.error

    @property
    def has_last_good(self) -> bool:
        """Whether a broken DAG can keep running its last good version."""
        return settings.keeps_last_good() and self.is_usable

    def last_good(self) -> dict[DagId, LastGood]:
        """The last good version of each DAG by its id, from the lists of all shards; empty if that is turned off.

        If two lists have a DAG, because the files were divided differently, the newer list counts.
        """
        if not settings.keeps_last_good():
            return {}
        return {dag_id: one for name in self._list_names() for dag_id, one in self._read(self._lists, name).items()}

    def put_last_good(self, last_good: dict[DagId, LastGood], has: Callable[[FileId], bool] = lambda _: True) -> None:
        """Store the last good versions of this loader's shard, and remove results that nothing refers to.

        ``has`` tells whether a file belongs to the shard. Its DAGs are removed from the lists of other shards, which
        may have them if the files were divided differently. No other loader would remove them.
        """
        if settings.keeps_last_good() and last_good != self._read(self._lists, self._own_list):
            self.write_failed |= not self._lists.put(self._own_list, _ENCODER.encode(last_good))
        if settings.keeps_last_good() and not self.write_failed:
            self._clean_other_lists(has)
        if self._writes:
            lists = (self._read(self._lists, name).values() for name in self._lists.by_age())
            needed = {name for one in chain.from_iterable(lists) for name in (one.name, _waiting(one.waiting))}
            self._results.trim(needed)

    def _clean_other_lists(self, has: Callable[[FileId], bool]) -> None:
        """Remove this shard's DAGs from the other lists of the environment, and lists that become empty."""
        for name in self._list_names():
            listed = self._read(self._lists, name) if name != self._own_list else {}
            left = {dag_id: one for dag_id, one in listed.items() if not has(one.file)}
            if listed and not left:
                self._lists.drop(name)
            elif left != listed:
                self._lists.put(name, _ENCODER.encode(left))

    def _list_names(self) -> list[str]:
        """The lists of the environment, newest last."""
        return [name for name in self._lists.by_age() if f"{name}.".startswith(f"{self._environment}.")]

    def fallbacks(self, key: str) -> dict[DagId, LastGood]:
        """The versions that the DAG processor last used for a broken result; empty if it has not seen that result.

        A run that is pinned to a broken commit continues with these, even after the file is fixed.
        """
        return self._read(self._results, _fallbacks(key)) if key and settings.keeps_last_good() else {}

    def put_fallbacks(self, key: str, last_good: dict[DagId, LastGood]) -> None:
        """Store the versions that are used for a broken result."""
        if key and last_good != self.fallbacks(key):
            self._results.put(_fallbacks(key), _ENCODER.encode(last_good))
            self._writes += 1

    def waiting(self, key: str) -> dict[DagId, LastGood]:
        """The versions that the loader uses for the DAGs of a result that exceed its work budget."""
        return self._read(self._results, _waiting(key)) if key and settings.keeps_last_good() else {}

    def put_waiting(self, key: str, last_good: dict[DagId, LastGood]) -> None:
        """Store the versions that the loader uses for a result; none once it uses the result itself."""
        if not last_good:
            self._results.drop(_waiting(key))
        elif key and last_good != self.waiting(key):
            self.write_failed |= not self._results.put(_waiting(key), _ENCODER.encode(last_good))
            self._writes += 1

    def _put(self, store: Store, name: str, value: object) -> bool:
        """Store a value. Return False if that failed; text with half a surrogate pair cannot be stored."""
        try:
            data = _ENCODER.encode(value)
        except (ValueError, OverflowError, RecursionError):
            return False
        stored = store.put(name, data)
        self.write_failed |= not stored
        return stored

    def _read(self, store: Store, name: str) -> dict[DagId, LastGood]:
        return _decode(_LAST_GOOD, store.get(name)) or {}


def _fallbacks(key: str) -> str:
    return f"{key}.good"


def _waiting(key: str) -> str:
    return f"{key}.waiting"


def _slow(key: str) -> str:
    return f"{key}.slow"


def _decode(decoder: msgspec.msgpack.Decoder[T], data: bytes | None) -> T | None:
    try:
        return decoder.decode(data) if data is not None else None
    except (msgspec.MsgspecError, RecursionError):
        return None
