"""What each loader records for the report: the results that it built, the DAGs that it could not build, and warnings.

The report may run in another process, as another user, or on another machine. What it finds in the cache saves work;
what it does not find, it builds itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem
from dag_factory.config.storage.file_store import Store

_ENCODER = msgspec.msgpack.Encoder()
REPORT = "report"
"""The writer's name in a record of the report; a loader uses the name of its shard."""


class Record(msgspec.Struct, frozen=True):
    """``built`` has the cache keys of results that were built, ``failed`` the problem of each DAG that was not, by key.

    Both are valid only where the same ``builder`` builds DAGs. ``lost`` are the DAGs whose last good version cannot be
    built either. ``rows`` are problems of the whole pass.
    """

    builder: str
    built: tuple[str, ...] = ()
    failed: dict[str, dict[DagId, Problem]] = {}
    lost: tuple[DagId, ...] = ()
    rows: tuple[Problem, ...] = ()


_DECODER = msgspec.msgpack.Decoder(Record)


class Records:
    """The records of one environment in a store. ``writer`` is the name of a loader's shard, or ``REPORT``."""

    def __init__(self, store: Store, environment: str) -> None:
        self._store, self._environment = store, environment

    def put(self, writer: str, record: Record) -> None:
        """Store the record of one writer."""
        if record != self._read(self._name(writer)):
            self._store.put(self._name(writer), _ENCODER.encode(record))

    def keep_only(self, shards: Iterable[str]) -> None:
        """Remove the records of loaders that are not among ``shards``: they divided the files differently."""
        wanted = {self._name(writer) for writer in (*shards, REPORT)}
        for name in self._names():
            if name not in wanted:
                self._store.drop(name)

    def get(self, writer: str, builder: str) -> Record | None:
        """The record of one writer, if the same ``builder`` made it."""
        found = self._read(self._name(writer))
        return found if found and found.builder == builder else None

    def all(self) -> list[Record]:
        """Every record, newest last."""
        return [record for name in self._names() if (record := self._read(name)) is not None]

    def _names(self) -> list[str]:
        return [name for name in self._store.by_age() if name.startswith(f"{self._environment}:")]

    def _name(self, writer: str) -> str:
        return f"{self._environment}:{writer}"

    def _read(self, name: str) -> Record | None:
        data = self._store.get(name)
        try:
            return _DECODER.decode(data) if data is not None else None
        except (msgspec.MsgspecError, RecursionError):
            return None
