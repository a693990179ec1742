"""The launcher: a small process with one thread that forks the containers' processes and waits for them.

The server starts it once (``python -m dag_factory.cluster.process.launcher FD``) and talks to it over a
SOCK_SEQPACKET socket. A request is one packet, ``{"op", "id", ...}``; what may be long comes in a memory file.
It answers with packets ``{"id", "event": "started" | "failed" | "exited", ...}``. It is apart from the server
because forking wants a process that is small and has no other threads.

It outlives a killed server for a moment: the socket's end makes it kill every container and remove their
control groups. If it is killed itself, each container's first process dies with it (PR_SET_PDEATHSIG), and
that ends the container's process namespace.

Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from . import cgroups, child, plain
from . import syscalls as sc


@dataclass
class Task:
    """A process that was started for a request. ``report`` is the read end of its setup pipe, until closed."""

    id: int
    pid: int
    report: int
    said: bytes = b""
    main: int = 0  # plain mode: the process under the supervisor that `pid` is
    code: int | None = None


class Launcher:
    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.tasks: dict[int, Task] = {}  # by request
        self.groups: list[str] = []
        self.selector = selectors.DefaultSelector()

    def run(self) -> None:
        wake, notify = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(notify, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)  # it ends when the server does
        self.selector.register(self.server, selectors.EVENT_READ)
        self.selector.register(wake, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.server:
                    if not self.request():
                        return self.end()
                elif key.fileobj == wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake, 4096)
                    self.reap()
                else:
                    self.hear(key.data)

    def request(self) -> bool:
        try:
            packet, fds, _, _ = socket.recv_fds(self.server, 65536, 8)
        except OSError:
            return False
        if not packet:
            return False
        message = json.loads(packet)
        try:
            if message["op"] == "signal":
                self.signal(message["target"], message["signal"])
            elif message["op"] == "group":
                self.groups += message["paths"]
            else:
                self.start(message, fds)
        except OSError as error:
            self.say({"id": message["id"], "event": "failed", "phase": "setup", "error": str(error)})
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def start(self, message: dict[str, Any], fds: list[int]) -> None:
        with open(fds[0], "rb", closefd=False) as memory:
            memory.seek(0)
            spec = json.load(memory)
        read, write = os.pipe()
        os.set_blocking(read, False)
        stdio = fds[1:4]
        if message["op"] == "exec" and spec["isolation"] != "plain":
            pid = child.enter(spec, stdio, write)
        elif spec["isolation"] == "plain":
            pid = plain.start(spec, stdio, write)
        else:
            pid = child.start(spec, stdio, write)
        os.close(write)
        task = Task(message["id"], pid, read)
        self.tasks[task.id] = task
        self.selector.register(read, selectors.EVENT_READ, task)

    def hear(self, task: Task) -> None:
        """The setup pipe: ends empty when the program runs, else holds what went wrong."""
        if task.report < 0:
            return  # `reap` has heard it already, for an event of the same moment
        try:
            data = os.read(task.report, 65536)
        except BlockingIOError:
            return
        task.said += data
        if data:
            return
        self.selector.unregister(task.report)
        os.close(task.report)
        task.report = -1
        said = json.loads(task.said) if task.said else {}
        if "error" in said:
            self.say({"id": task.id, "event": "failed", **said})
            self.tasks.pop(task.id, None)
            return
        task.main = said.get("main", 0)
        self.say({"id": task.id, "event": "started", "pid": task.main or task.pid})
        self.finish(task)

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            for task in list(self.tasks.values()):
                if task.pid == pid:
                    task.code = code if code >= 0 else 128 - code
                    if task.report >= 0:
                        self.hear(task)
                    self.finish(task)

    def finish(self, task: Task) -> None:
        if task.code is not None and task.report < 0 and task.id in self.tasks:
            del self.tasks[task.id]
            self.say({"id": task.id, "event": "exited", "code": task.code})

    def signal(self, target: int, number: int) -> None:
        task = self.tasks.get(target)
        if task is None or task.code is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if not task.main:
                os.kill(task.pid, number)
            elif number == signal.SIGKILL:
                os.kill(task.pid, signal.SIGTERM)  # the supervisor then kills all that is below it
            else:
                os.killpg(task.main, number)

    def say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the server is gone: `request` sees that too
            self.server.send(json.dumps(message).encode())

    def end(self) -> None:
        for task in self.tasks.values():
            if task.code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(task.pid, signal.SIGTERM if task.main else signal.SIGKILL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.01)
            except ChildProcessError:
                break
        cgroups.remove(self.groups)


def main() -> None:
    sc.prctl(sc.PR_SET_CHILD_SUBREAPER, 1)
    Launcher(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
