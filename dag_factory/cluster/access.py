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
    """A server holds the folder. ``pid`` is its process id."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"a local cluster runs already, as process {pid}")
        self.pid = pid


def lock(state: StateDir) -> IO[str]:
    """Hold the folder for as long as the returned file is open. Raises AlreadyRunning."""
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


def holder(state: StateDir) -> int | None:
    """The process id of the server that holds the folder, or None."""
    try:
        with state.pid.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except OSError:
        pass
    return None


def token(state: StateDir) -> str:
    """The folder's token, made at the first start; later ones keep it, so that clients stay let in."""
    if not state.token.exists():
        _write(state.token, secrets.token_urlsafe(32))
    return state.token.read_text().strip()


def write_kubeconfig(state: StateDir, server: str, secret: str, certificate: Path) -> None:
    named = {"name": CONTEXT}
    trusted = base64.b64encode(certificate.read_bytes()).decode()
    _write(
        state.kubeconfig,
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{**named, "cluster": {"server": server, "certificate-authority-data": trusted}}],
                "users": [{**named, "user": {"token": secret}}],
                "contexts": [{**named, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"}}],
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
    """Raises OSError, ValueError or LookupError if there is none to read."""
    config = json.loads(state.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    trusted = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Access(cluster["server"], config["users"][0]["user"]["token"], trusted)


def _write(path: Path, text: str) -> None:
    """For the owner's eyes from the first moment, and never half written."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    new.replace(path)
