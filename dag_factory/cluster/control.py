"""Start, stop and inspect a cluster from a process other than its server."""

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
    """A running cluster. ``new``: this call of ``up`` started it."""

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
    """Start a cluster in the background and wait until it serves. Return the running one if there is one.

    Raises ClusterError with the end of the server's log.
    """
    config = _with_absolute_paths(config)
    state = StateDir(config.state)
    running = _find_running(state)
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
    message = _read_message(read, process)
    if "address" not in message:
        running = _find_running(state)
        if running:  # another process started one at the same time
            return running
        raise ClusterError(
            f"the local cluster did not start: {message.get('error') or _tail(state.log)} (its log: {state.log})"
        )
    return Handle(config.state, f"https://{message['address']}", process.pid, True)


def down(state: Path) -> bool:
    """Stop the cluster of this folder and wait until it has ended. False if none runs. Raises ClusterError."""
    folder = StateDir(state.absolute())
    pid = access.holder_pid(folder)
    if pid is None:
        return False
    for number, timeout in ((signal.SIGTERM, _STOP_TIMEOUT), (signal.SIGKILL, 5)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        except PermissionError as error:
            raise ClusterError(
                f"the local cluster, process {pid}, belongs to another user; stop it as that user"
            ) from error
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            _reap(pid)
            if access.holder_pid(folder) is None:
                return True
            time.sleep(0.02)
    raise ClusterError(f"the local cluster, process {pid}, does not end; stop it with: kill -9 {pid}")


def claim_folder(state: Path, namespace: str, claim: str) -> Path:
    """The folder of a claim's files on this machine. It outlives the cluster."""
    return StateDir(state.absolute()).claims / namespace / claim


def is_running(state: Path) -> bool:
    """Whether a cluster of this folder runs, or is starting."""
    return access.holder_pid(StateDir(state.absolute())) is not None


def status(state: Path) -> dict[str, Any] | None:
    """The status of the running cluster. None if none runs. Raises ClusterError if it does not answer."""
    if access.holder_pid(StateDir(state.absolute())) is None:
        return None
    body: dict[str, Any] = request_json(state, "/dagf/status")
    return body


def _find_running(state: StateDir) -> Handle | None:
    pid = access.holder_pid(state)
    if pid is None:
        return None
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end:  # it may still be starting
        try:
            found = status(state.root)
            if found:
                return Handle(state.root, found["server"], found["pid"], False)
            return None
        except ClusterError:
            time.sleep(0.05)
    raise ClusterError(f"process {pid} uses {state.root} and does not answer; stop it, or see its log: {state.log}")


def _read_message(read: int, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The server's message on its pipe: an address or an error. Empty if the server ended without one."""
    import select

    with os.fdopen(read, "rb") as pipe:
        if not select.select([pipe], [], [], _START_TIMEOUT)[0]:
            process.kill()
            return {"error": f"it was not ready after {_START_TIMEOUT} seconds"}
        data = pipe.read()
    found: dict[str, Any] = json.loads(data) if data else {}
    return found


def _with_absolute_paths(config: ClusterConfig) -> ClusterConfig:
    from dataclasses import replace

    return replace(
        config,
        state=config.state.absolute(),
        images={pattern: folder.absolute() for pattern, folder in config.images.items()},
        venvs=config.venvs.absolute() if config.venvs else None,
    )


def _reap(pid: int) -> None:
    """Collect the exit status if the server is a child of this process."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-1500:].strip()
    except OSError:
        return "its log is missing"
