"""Start, end and ask after a cluster, from another process than its server's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import access
from .client import ClusterError, request_json
from .config import ClusterConfig, StateDir

_START_TIMEOUT = 60  # seconds
_STOP_TIMEOUT = 20


@dataclass(frozen=True)
class Handle:
    """A running cluster. ``new``: this call started it."""

    state: Path
    server: str
    pid: int
    new: bool

    @property
    def kubeconfig(self) -> Path:
        return StateDir(self.state).kubeconfig

    @property
    def log(self) -> Path:
        return StateDir(self.state).log


def up(config: ClusterConfig) -> Handle:
    """Start a cluster in the background and wait until it serves; the one that runs already, if one does.

    Raises ClusterError with the end of the server's log.
    """
    config = _absolute(config)
    state = StateDir(config.state)
    running = _running(state)
    if running:
        return running
    state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = state.root / "config.json"
    settings.write_text(config.to_json())
    read, write = os.pipe()
    with state.log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dag_factory.cluster", str(settings), str(write)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[write],
            start_new_session=True,
            cwd="/",
        )
    os.close(write)
    said = _wait_for_word(read, process)
    if "address" not in said:
        running = _running(state)
        if running:  # another process was quicker
            return running
        raise ClusterError(
            f"the local cluster did not start: {said.get('error') or _tail(state.log)} (its log: {state.log})"
        )
    return Handle(config.state, f"https://{said['address']}", process.pid, True)


def down(state: Path) -> bool:
    """Stop the cluster of this folder and wait for its end. False if none runs. Raises ClusterError."""
    folder = StateDir(state.absolute())
    pid = access.holder(folder)
    if pid is None:
        return False
    for number, patience in ((signal.SIGTERM, _STOP_TIMEOUT), (signal.SIGKILL, 5)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        except PermissionError as error:
            raise ClusterError(f"the local cluster, process {pid}, belongs to another user") from error
        end = time.monotonic() + patience
        while time.monotonic() < end:
            _reap(pid)
            if access.holder(folder) is None:
                return True
            time.sleep(0.02)
    raise ClusterError(f"the local cluster, process {pid}, does not end")


def claim_folder(state: Path, namespace: str, claim: str) -> Path:
    """Where the files of a claim lie on this machine; they outlive the cluster."""
    return StateDir(state.absolute()).claims / namespace / claim


def status(state: Path) -> dict[str, Any] | None:
    """What the running cluster says of itself; None if none runs. Raises ClusterError if it does not answer."""
    if access.holder(StateDir(state.absolute())) is None:
        return None
    said: dict[str, Any] = request_json(state, "/dagf/status")
    return said


def _running(state: StateDir) -> Handle | None:
    pid = access.holder(state)
    if pid is None:
        return None
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end:  # it may be starting right now
        try:
            found = status(state.root)
            if found:
                return Handle(state.root, found["server"], found["pid"], False)
            return None
        except ClusterError:
            time.sleep(0.05)
    raise ClusterError(f"process {pid} holds {state.root} and does not answer; end it, or see {state.log}")


def _wait_for_word(read: int, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the server says on its pipe. The pipe's end means that it died."""
    import select

    with os.fdopen(read, "rb") as pipe:
        if not select.select([pipe], [], [], _START_TIMEOUT)[0]:
            process.kill()
            return {"error": f"it was not ready after {_START_TIMEOUT} seconds"}
        data = pipe.read()
    found: dict[str, Any] = json.loads(data) if data else {}
    return found


def _absolute(config: ClusterConfig) -> ClusterConfig:
    from dataclasses import replace

    return replace(
        config,
        state=config.state.absolute(),
        images={pattern: folder.absolute() for pattern, folder in config.images.items()},
        venvs=config.venvs.absolute() if config.venvs else None,
    )


def _reap(pid: int) -> None:
    """If the server is this process's own child, its end has to be fetched."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-1500:].strip()
    except OSError:
        return "it said nothing"
