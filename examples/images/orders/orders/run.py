"""What the jobs of a run share: a folder on the volume, a log, and an output for Airflow."""

from __future__ import annotations

import csv
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

log = logging.getLogger("orders")


def start_log() -> None:
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )


def data_folder() -> Path:
    return Path(os.environ.get("DATA_DIR", "/data"))


def runs_folder() -> Path:
    return data_folder() / "runs"


def run_id() -> str:
    return os.environ.get("RUN_ID") or "by-hand"


def folder() -> Path:
    """The folder of this run, so that parallel runs do not overwrite each other's files."""
    path = runs_folder() / re.sub(r"[^A-Za-z0-9._-]+", "-", run_id())
    path.mkdir(parents=True, exist_ok=True)
    return path


def read_rows(path: Path, made_by: str) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise SystemExit(f"{path} not found: the job `{made_by}` of run {run_id()} must write it first")
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, restval="")


def write_rows(path: Path, columns: list[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def output(value: dict[str, Any]) -> None:
    """Pass a value to later jobs. The folder for it exists only if the job has `output: json`."""
    log.info("output: %s", json.dumps(value))
    path = Path(os.environ.get("OUTPUT_PATH", "/airflow/xcom/return.json"))
    if path.parent.is_dir():
        path.write_text(json.dumps(value))
