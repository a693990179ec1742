"""What `dagf run` gives to its Airflow: a compiled pipeline, and the outputs of jobs that do not run again."""

from __future__ import annotations

from typing import Any

import msgspec

from dag_factory.config.model import Pipeline


class LocalRun(msgspec.Struct, frozen=True):
    """The jobs in ``outputs`` start no pod. Their JSON values come from an earlier run or from a file."""

    pipeline: Pipeline
    outputs: dict[str, Any] = {}


def encode(run: LocalRun) -> bytes:
    """The content of the file that Airflow reads."""
    return msgspec.json.encode(run)


def decode(data: bytes) -> LocalRun:
    """Read the content of the file. Raises ``msgspec.MsgspecError`` if another version wrote it."""
    return msgspec.json.decode(data, type=LocalRun)
