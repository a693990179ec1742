"""What loaders record for the report: which outcomes they built, what they could not build, and what else to say.

The report may run in another process, as another user, on another machine. What it finds in the cache saves it work;
what it does not find, it builds itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.config.problems import Problem
from dag_factory.config.project.store import Store

_ENCODER = msgspec.msgpack.Encoder()
REPORT = "report"
"""What stands in a record's name in place of a loader's share."""


class Record(msgspec.Struct, frozen=True):
    """``built`` has the names of outcomes that were built, ``failed`` the problem of each DAG that was not, by name.

    Both hold where DAGs are built by the same ``builder``. ``lost`` are the DAGs whose last good version cannot be
    built either; ``rows`` are about the pass as a whole.
    """

    builder: str
    built: tuple[str, ...] = ()
    failed: dict[str, dict[str, Problem]] = {}
    lost: tuple[str, ...] = ()
    rows: tuple[Problem, ...] = ()


_DECODER = msgspec.msgpack.Decoder(Record)


class Records:
    """The records of one environment in a store; ``who`` is a loader's share, or ``REPORT``."""

    def __init__(self, store: Store, environment: str) -> None:
        self._store, self._environment = store, environment

    def keep(self, who: str, record: Record) -> None:
        """Replace the record of one loader."""
        if record != self._read(self._name(who)):
            self._store.put(self._name(who), _ENCODER.encode(record))

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget the records of loaders that are not among ``names``: they divided the files in another way."""
        wanted = {self._name(who) for who in (*names, REPORT)}
        for name in self._names():
            if name not in wanted:
                self._store.drop(name)

    def get(self, who: str, builder: str) -> Record | None:
        """The record of one loader, if the same ``builder`` made it."""
        found = self._read(self._name(who))
        return found if found and found.builder == builder else None

    def all(self) -> list[Record]:
        """Every record, the newest last."""
        return [record for name in self._names() if (record := self._read(name)) is not None]

    def _names(self) -> list[str]:
        return [name for name in self._store.by_age() if name.startswith(f"{self._environment}:")]

    def _name(self, who: str) -> str:
        return f"{self._environment}:{who}"

    def _read(self, name: str) -> Record | None:
        data = self._store.get(name)
        try:
            return _DECODER.decode(data) if data is not None else None
        except (msgspec.MsgspecError, RecursionError):
            return None
