"""Run many command lines of ``dagf``: one process imports it once, and a fork of that process runs each line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CLOSED_PIPE = "closed pipe"
_SERVER = """
import json, os, sys
import dag_factory.explain.explain, dag_factory.overview.flavors, dag_factory.plan.formats.text
import dag_factory.plan.make_plan, dag_factory.scaffold.additions.add
from dag_factory.cli.main import main
for text in sys.stdin:
    task = json.loads(text)
    pid = os.fork()
    if not pid:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    sys.exit()
sys.stdin = open(os.devnull)
os.dup2(os.open(task["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
if task["stdout"] == "closed pipe":
    read, write = os.pipe()
    os.close(read)
else:
    write = os.open(task["stdout"], os.O_WRONLY | os.O_CREAT, 0o600)
os.dup2(write, 1)
os.chdir(task["folder"])
exec(task["program"])
sys.argv = ["dagf", *task["arguments"]]
main()
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stderr: str


class Forks:
    """The process that imported ``dagf``. ``folder`` is for its own files."""

    def __init__(self, folder: Path) -> None:
        self._stderr = folder / "stderr"
        settings = {key: value for key, value in os.environ.items() if not key.startswith("DAG_FACTORY")}
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER], env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, arguments: list[str], folder: Path, stdout: str = os.devnull, program: str = "") -> Done:
        """Run a command line in a folder, without a terminal. ``stdout`` is a file or ``CLOSED_PIPE``.

        ``program`` is Python that runs before the command.
        """
        task = {
            "arguments": arguments,
            "folder": str(folder),
            "stdout": stdout,
            "stderr": str(self._stderr),
            "program": program,
        }
        assert self._server.stdin and self._server.stdout
        self._server.stdin.write(json.dumps(task) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        return Done(code, self._stderr.read_text("utf-8"))

    def close(self) -> None:
        """End the process."""
        self._server.communicate()
