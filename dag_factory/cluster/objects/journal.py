"""The cluster's objects on disk: every change is a line, and a restart reads them back.

A server that is killed loses no change that it had answered. A machine that loses power may lose the last lines; an
incomplete last line is skipped. The file is rewritten when most of its lines are obsolete.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from .store import Change, Store

log = logging.getLogger(__name__)

_SLACK = 4 * 1024 * 1024  # bytes of obsolete lines that do not justify a rewrite


class Journal:
    """Only the owner can read ``path``, because it contains secrets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._live: dict[tuple[str, str, str], bytes] = {}
        self._size = 0
        self._live_size = 0
        self._file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")  # noqa: PTH123, SIM115

    def restore(self, store: Store) -> int:
        """Load the objects into a new store. Returns how many. Lines that can't be read are logged and skipped."""
        version = 0
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                entry = json.loads(line)
                version = max(version, entry["v"])
                self._set_live(_key(entry["r"], entry["o"]), None if entry["t"] == "DELETED" else line + b"\n")
            except (ValueError, KeyError, TypeError):
                log.warning("Line %d of %s can't be read; it is skipped.", number, self.path)
        for line in self._live.values():
            entry = json.loads(line)
            store.load(entry["r"], entry["o"])
        store.advance_to(version)
        self._rewrite()
        return len(self._live)

    def record(self, change: Change) -> None:
        """Append a change to the file."""
        deleted = change.type == "DELETED"
        line = _line(
            change.type, change.resource, change.version, _name_of(change.object) if deleted else change.object
        )
        self._set_live(_key(change.resource, change.object), None if deleted else line)
        self._file.write(line)
        self._file.flush()
        self._size += len(line)
        if self._size > 2 * self._live_size + _SLACK:
            self._rewrite()

    def close(self) -> None:
        self._file.close()

    def _set_live(self, key: tuple[str, str, str], line: bytes | None) -> None:
        self._live_size -= len(self._live.pop(key, b""))
        if line is not None:
            self._live[key] = line
            self._live_size += len(line)

    def _rewrite(self) -> None:
        new = self.path.with_name(self.path.name + ".new")
        new.unlink(missing_ok=True)
        file = open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "ab")  # noqa: PTH123, SIM115
        file.writelines(self._live.values())
        file.flush()
        new.replace(self.path)
        self._file.close()
        self._file, self._size = file, self._live_size


def _line(kind: str, resource: str, version: int, obj: dict[str, Any]) -> bytes:
    return json.dumps({"t": kind, "r": resource, "v": version, "o": obj}, separators=(",", ":")).encode() + b"\n"


def _key(resource: str, obj: dict[str, Any]) -> tuple[str, str, str]:
    return resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _name_of(obj: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {key: obj["metadata"][key] for key in ("namespace", "name") if key in obj["metadata"]}}
