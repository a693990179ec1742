"""The token, the kubeconfig, and the lock that keeps a second server out of the same folder."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .config import StateDir

CONTEXT = "dagf-local"


class AlreadyRunning(Exception):
    """A server uses this folder already. ``pid`` is its process id."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"a local cluster already runs in this folder (process {pid})")
        self.pid = pid


def lock(state: StateDir) -> IO[str]:
    """Lock the folder until the returned file is closed. Raises AlreadyRunning."""
    state.root.mkdir(parents=True, exist_ok=True)
    state.root.chmod(0o700)
    file = open(os.open(state.pid, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")  # noqa: PTH123, SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = int(file.read() or 0)
        file.close()
        raise AlreadyRunning(pid) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def holder_pid(state: StateDir) -> int | None:
    """The process id of the server that has locked the folder, or None."""
    try:
        with state.pid.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except OSError:
        pass
    return None


def ensure_token(state: StateDir) -> str:
    """The folder's token. It is created at the first start and kept, so that clients survive a restart."""
    if not state.token.exists():
        _write(state.token, secrets.token_urlsafe(32))
    return state.token.read_text().strip()


def write_kubeconfig(state: StateDir, server: str, token: str, certificate: Path) -> None:
    name = {"name": CONTEXT}
    authority = base64.b64encode(certificate.read_bytes()).decode()
    _write(
        state.kubeconfig,
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{**name, "cluster": {"server": server, "certificate-authority-data": authority}}],
                "users": [{**name, "user": {"token": token}}],
                "contexts": [{**name, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"}}],
                "current-context": CONTEXT,
            },
            indent=1,
        )
        + "\n",
    )


@dataclass(frozen=True)
class Access:
    """How to reach a server: its address, its token, its certificate (PEM)."""

    server: str
    token: str
    certificate: str


def read_kubeconfig(state: StateDir) -> Access:
    """Raises OSError, ValueError or LookupError if the kubeconfig is missing or damaged."""
    config = json.loads(state.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    certificate = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Access(cluster["server"], config["users"][0]["user"]["token"], certificate)


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    new.replace(path)
