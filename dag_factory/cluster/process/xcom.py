"""Commands that signal processes by a search, made safe where a container sees this machine's processes.

The pod operator ends its XCom sidecar by ``kill -2 $(pgrep -u $(id -u) -f 'sh')``, typed into a shell. In a
process namespace that finds the sidecar alone; without one it would find every shell of the user. So without
one such a command is never run: the container's own processes get the signal.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .container import ProcessContainer

_SHELLS = {"sh", "/bin/sh", "bash", "/bin/bash"}
_SEARCH = re.compile(r"\bkill\b.*(?:\bpgrep\b|/proc/|\s-1\b)|/proc/.*\bkill\b|\bpkill\b|\bkillall\b", re.DOTALL)
_FIRST = re.compile(r"^\s*kill\s+(?:-s\s*)?-?(\w+)?\s*\b1\s*;?\s*$")


class PlainSession:
    """A shell without a shell: it understands a kill of the container's processes and says no to the rest."""

    def __init__(self, container: ProcessContainer, line: str | None) -> None:
        self._container = container
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._code = 0
        if line is not None:
            self._lines.put_nowait(line)
            self._lines.put_nowait(None)

    @classmethod
    def recognise(cls, command: list[str], stdin: bool, container: ProcessContainer) -> PlainSession | None:
        """A session for a bare shell that reads commands, or for ``sh -c`` with a kill; None for any other."""
        if command and command[0] in _SHELLS:
            if len(command) == 1 and stdin:
                return cls(container, None)
            if len(command) == 3 and command[1] == "-c" and wanted_signal(command[2]):
                return cls(container, command[2])
        if command and command[0].rpartition("/")[2] in ("kill", "pkill", "killall"):
            return cls(container, " ".join(["kill", *command[1:]]))
        return None

    async def write(self, data: bytes) -> None:
        for line in data.decode(errors="replace").splitlines():
            await self._lines.put(line)

    def close_stdin(self) -> None:
        self._lines.put_nowait(None)

    def resize(self, columns: int, rows: int) -> None:
        pass

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while True:
            line = await self._lines.get()
            if line is None or line.strip() == "exit":
                return
            number = wanted_signal(line)
            if number:
                await self._container.signal(number)
                return
            if line.strip():
                self._code = 126
                yield (
                    2,
                    (
                        b"this local cluster runs without process namespaces: a shell on standard input "
                        b"takes only commands that signal the container's processes\n"
                    ),
                )

    async def wait(self) -> int:
        return self._code

    async def kill(self) -> None:
        self.close_stdin()


def wanted_signal(line: str) -> int:
    """The signal that a line sends to processes it searches for, or to process 1; 0 if it does neither."""
    first = _FIRST.match(line)
    if first:
        return _number(first[1] or "15")
    if _SEARCH.search(line):
        given = re.search(r"kill(?:all)?\s+(?:-s\s*)?-(\w+)", line)
        return _number(given[1] if given else "15")
    return 0


def _number(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return int(signal.Signals["SIG" + name.upper().removeprefix("SIG")])
    except KeyError:
        return int(signal.SIGTERM)
