"""Ask the project's files about each pipeline, if this API server has them. A process of its own does the work."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
from airflow.configuration import conf

from dag_factory import settings
from dag_factory.build.project.locate_project import project_name
from dag_factory.reasons.project_states import ProjectStates

MODULE = "dag_factory.reasons.project_states"
TIMEOUT = 30  # seconds
FRESH = 10.0  # seconds for which an answer is used again

log = logging.getLogger(__name__)


class _Memory:
    """The last answer. One process at a time asks for a new one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.states: ProjectStates | None = None
        self.until = 0.0


_memory = _Memory()


def project_states() -> ProjectStates | None:
    """Return the states, at most some seconds old; None if this server has no project or cannot read it."""
    with _memory.lock:
        if time.monotonic() >= _memory.until:
            home = _home()
            _memory.states = _ask(home) if home else None
            _memory.until = time.monotonic() + FRESH
        return _memory.states


def _home() -> Path | None:
    folder = Path(conf.get("core", "dags_folder"))
    for home in (settings.home(), folder.absolute().parent, folder.resolve().parent):
        if home is not None and (home / "configs").is_dir():
            return home
    return None


def _ask(home: Path) -> ProjectStates | None:
    command = [sys.executable, "-m", MODULE, str(home.resolve()), settings.environment() or "", project_name(home)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=True)
        found = msgspec.json.decode(answer.stdout, type=ProjectStates)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError):
        log.exception("dagwright: cannot read the state of the project in %s", home)
        return None
    if found.error:
        log.error("dagwright: cannot read the project in %s: %s", home, found.error)
        return None
    return found
