"""What the jobs of a run share: a folder on the volume, a log, and an output for Airflow."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

log = logging.getLogger("what-if")


def start_log() -> None:
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )


def data_folder() -> Path:
    return Path(os.environ.get("DATA_DIR", "/data"))


def run_id() -> str:
    return os.environ.get("RUN_ID") or "by-hand"


def folder() -> Path:
    """The folder of this run, so that parallel runs do not overwrite each other's files."""
    path = data_folder() / "runs" / re.sub(r"[^A-Za-z0-9._-]+", "-", run_id())
    path.mkdir(parents=True, exist_ok=True)
    return path


def read_json(name: str, made_by: str) -> Any:
    path = folder() / name
    if not path.is_file():
        raise SystemExit(f"{path} not found: the job `{made_by}` of run {run_id()} must write it first")
    return json.loads(path.read_text())


def output(value: dict[str, Any]) -> None:
    """Pass a value to later jobs. The folder for it exists only if the job has `output: json`."""
    log.info("output: %s", json.dumps(value))
    path = Path(os.environ.get("OUTPUT_PATH", "/airflow/xcom/return.json"))
    if path.parent.is_dir():
        path.write_text(json.dumps(value))
