"""Exec of commands that kill processes, made safe where a container sees the processes of this machine.

The pod operator ends its XCom sidecar with ``kill -2 $(pgrep -u $(id -u) -f 'sh')``, typed into a shell. In a process
namespace this finds the sidecar only. Without one it would find every shell of the user. Such a command is therefore
never run without a process namespace: the signal goes to the processes of the container.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

_SHELLS = {"sh", "/bin/sh", "bash", "/bin/bash"}
_SEARCH = re.compile(r"\bkill\b.*(?:\bpgrep\b|/proc/|\s-1\b)|/proc/.*\bkill\b|\bpkill\b|\bkillall\b", re.DOTALL)
_PROCESS_1 = re.compile(r"^\s*kill\s+(?:-s\s*)?-?(\w+)?\s*\b1\s*;?\s*$")
_SIGNAL = re.compile(r"kill(?:all)?\s+(?:-s\s*)?-(\w+)")
_NOT_EXECUTABLE = 126
_REJECTED = (
    b"this local cluster runs without process namespaces: a shell on standard input accepts only commands that signal "
    b"the container's processes\n"
)

SendSignal = Callable[[int], Awaitable[None]]


class KillSession:
    """Stands in for a shell: it signals the container's processes and rejects every other command."""

    def __init__(self, send_signal: SendSignal, line: str | None) -> None:
        self._send_signal = send_signal
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._code = 0
        if line is not None:
            self._lines.put_nowait(line)
            self._lines.put_nowait(None)

    @classmethod
    def for_command(cls, command: list[str], send_signal: SendSignal, *, stdin: bool) -> KillSession | None:
        """A session for a shell that reads commands, for ``sh -c`` with a kill, or for a kill. None for the others."""
        if command and command[0] in _SHELLS:
            if len(command) == 1 and stdin:
                return cls(send_signal, None)
            if len(command) == 3 and command[1] == "-c" and find_signal(command[2]):
                return cls(send_signal, command[2])
        if command and command[0].rpartition("/")[2] in ("kill", "pkill", "killall"):
            return cls(send_signal, " ".join(["kill", *command[1:]]))
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
            number = find_signal(line)
            if number:
                await self._send_signal(number)
                return
            if line.strip():
                self._code = _NOT_EXECUTABLE
                yield 2, _REJECTED

    async def wait(self) -> int:
        return self._code

    async def kill(self) -> None:
        self.close_stdin()


def find_signal(line: str) -> int:
    """The number of the signal that a line sends to process 1 or to processes that it searches for, 0 if to none."""
    process_1 = _PROCESS_1.match(line)
    if process_1:
        return _number(process_1[1] or "15")
    if _SEARCH.search(line):
        given = _SIGNAL.search(line)
        return _number(given[1] if given else "15")
    return 0


def _number(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return int(signal.Signals["SIG" + name.upper().removeprefix("SIG")])
    except KeyError:
        return int(signal.SIGTERM)
