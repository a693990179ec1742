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
TIMEOUT = 60  # seconds for the process
FRESH = 10.0  # seconds for which an answer is used again

log = logging.getLogger(__name__)


class Answer(msgspec.Struct, frozen=True):
    """What the files say; ``states`` is None if that is not known, and ``missing`` says why, as a whole sentence."""

    states: ProjectStates | None = None
    missing: str = ""


_NO_PROJECT = Answer(
    missing="This server has no copy of the project, so pipelines without a DAG are missing here. To list them, set"
    " `DAG_FACTORY_HOME` and `DAG_FACTORY_ENV` for the API server."
)
_READING = Answer(missing="The files of the project are being read for the first time. Reload the page in a minute.")
_FAILED = Answer(missing="The files of the project cannot be read. The log of the API server has the reason.")


class _Reader:
    """Keeps the last answer, and renews it in the background."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answer = _READING
        self._until = 0.0
        self._thread: threading.Thread | None = None

    def answer(self, seconds: float) -> Answer:
        """Return an answer that is fresh, or the last one if a fresh one takes longer than ``seconds``."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._answer
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew, name="dagwright-project", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(seconds)
        return self._answer

    def _renew(self) -> None:
        home = _home()
        found = _ask(home) if home else _NO_PROJECT
        if found is not _FAILED or self._answer.states is None:
            self._answer = found
        self._until = time.monotonic() + FRESH


_reader = _Reader()


def project_states(seconds: float) -> Answer:
    """Return what the files say. A page waits at most ``seconds`` for a fresh answer."""
    return _reader.answer(seconds)


def _home() -> Path | None:
    folder = Path(conf.get("core", "dags_folder"))
    for home in (settings.home(), folder.absolute().parent, folder.resolve().parent):
        if home is not None and (home / "configs").is_dir():
            return home
    return None


def _ask(home: Path) -> Answer:
    command = [sys.executable, "-m", MODULE, str(home.resolve()), settings.environment() or "", project_name(home)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=True)
        found = msgspec.json.decode(answer.stdout, type=ProjectStates)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError):
        log.exception("dagwright: cannot read the state of the project in %s", home)
        return _FAILED
    if found.error:
        log.error("dagwright: cannot read the project in %s: %s", home, found.error)
        return _FAILED
    return Answer(found)
