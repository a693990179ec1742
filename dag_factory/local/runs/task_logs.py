"""The logs of the tasks of a run, read from Airflow's files while they grow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

_CHUNK = 1 << 20
_LONGEST = 2_000  # characters of a line that are shown
_OWN = "dag_factory"
_OPERATOR_FILE = "pod.py"  # of Airflow's operator, which logs its own steps
_VERDICT_FILE = "end.py"
# What Airflow logs beside the lines of the container, which end with a line break.
_OWN_STEPS = ("Checking if xcom sidecar", "The xcom sidecar", "Running command...", "Container '", "Pod ")
# Escape sequences of terminals, whole; then every other control character.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~]?)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class LogLine(msgspec.Struct, frozen=True):
    """A line of a log, safe to print. ``kind``: of the container, of this project, the verdict, or an error."""

    text: str
    kind: str = "output"


class _Entry(msgspec.Struct):
    event: str = ""
    level: str = ""
    logger: str = ""
    filename: str = ""
    error_detail: list[dict[str, object]] | None = None


@dataclass
class TaskLog:
    """The log of one try. ``read`` returns what is new."""

    file: Path
    _offset: int = 0
    _rest: bytes = b""
    _decoder: msgspec.json.Decoder[_Entry] = field(default_factory=lambda: msgspec.json.Decoder(_Entry))

    def read(self) -> Iterator[LogLine]:
        """Yield the lines that were added since the last call, at most those of a megabyte."""
        try:
            with self.file.open("rb") as opened:
                opened.seek(self._offset)
                data = opened.read(_CHUNK)
        except OSError:  # the task has not started
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._lines(line)

    def _lines(self, line: bytes) -> Iterator[LogLine]:
        try:
            entry = self._decoder.decode(line)
        except msgspec.MsgspecError:
            return
        kind = _kind(entry)
        if kind:
            for text in entry.event.rstrip("\n").split("\n"):
                yield LogLine(clean(text), kind)
            for raised in entry.error_detail or ():
                yield LogLine(clean(f"{raised.get('exc_type')}: {raised.get('exc_value')}"), kind)


def log_file(folder: Path, dag_id: str, run_id: str, task_id: str, map_index: int, attempt: int) -> Path:
    """The file of the log of one try."""
    task = folder / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
    return (task / f"map_index={map_index}" if map_index >= 0 else task) / f"attempt={attempt}.log"


def clean(text: str) -> str:
    """Return a line as a terminal can show it: no escape sequences, no control characters, not too long."""
    shown = text[: 4 * _LONGEST].rpartition("\r")[2] if "\r" in text[:-1] else text[: 4 * _LONGEST]
    shown = _CONTROLS.sub("\ufffd", _ESCAPES.sub("", shown.replace("\r", "").replace("\t", "    ")))
    if len(shown) > _LONGEST or len(text) > 4 * _LONGEST:
        return f"{shown[:_LONGEST]} … (the line has {len(text):,} characters)"
    return shown


def _kind(entry: _Entry) -> str:
    if entry.event.startswith("::"):  # a mark of a folded group
        return ""
    if entry.logger.endswith(".JobPodManager"):
        return "output" if entry.event.endswith("\n") or not entry.event.startswith(_OWN_STEPS) else ""
    if _OWN in entry.logger and entry.filename == _VERDICT_FILE and entry.level == "error":
        return "verdict"
    if _OWN in entry.logger and entry.filename != _OPERATOR_FILE:
        return "note"
    if entry.level in ("error", "critical") and entry.event != "Task exited":
        return "error"
    return ""
