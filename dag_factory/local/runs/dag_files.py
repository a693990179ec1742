"""The DAG files of a private Airflow: one for each pipeline that runs, with the compiled pipeline beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dag_factory.config.local_run import LocalRun, encode

_TEXT = '''"""Written by `dagf run`. It is replaced at each run."""

from pathlib import Path

# Airflow imports what it finds here once, before it forks the process that parses this file.
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401

from dag_factory.build.local_run import load_run

globals().update(load_run(Path(__file__)))
'''


class Busy(Exception):
    """Another process runs the pipeline."""


def write_dag_file(folder: Path, run: LocalRun) -> bool:
    """Write the DAG file of a run. Returns False if Airflow has this DAG already, with the same content."""
    folder.mkdir(parents=True, exist_ok=True)
    dag_file = folder / f"{run.pipeline.id}.py"
    data = encode(run)
    if dag_file.exists() and _read(dag_file.with_suffix(".json")) == data:
        return False
    _replace(dag_file.with_suffix(".json"), data)
    _replace(dag_file, _TEXT.encode())  # its time of modification makes Airflow parse it
    return True


def forget(folder: Path, dag_id: str) -> None:
    """Remove the DAG file of a pipeline, so that the next run writes it again."""
    (folder / f"{dag_id}.py").unlink(missing_ok=True)


@contextlib.contextmanager
def locked(file: Path, wait: bool = False) -> Iterator[None]:
    """Hold a lock for the length of the block. Raises ``Busy`` if another process holds it, unless ``wait``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy from None
        yield


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        with locked(file):
            return False
    except Busy:
        return True


class SavedOutputs:
    """The outputs of the last local runs of one pipeline, in a JSON file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> dict[str, Any]:
        """The JSON values by the names of the jobs; empty if there are none."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.MsgspecError):
            return {}

    def add(self, outputs: dict[str, Any]) -> None:
        """Replace the outputs of these jobs."""
        if outputs:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._file, msgspec.json.encode({**self.read(), **outputs}))


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _replace(file: Path, data: bytes) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(file)
