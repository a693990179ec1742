"""The launcher: a small process with one thread that forks the processes of containers and waits for them.

The server starts it once (``python -m dag_factory.cluster.process.launcher FD``) and talks to it over a
SOCK_SEQPACKET socket. A request is one packet, ``{"op", "id", ...}``. What may be long comes in a memory file.
It answers with packets ``{"id", "event": "started" | "failed" | "exited", ...}``. It is a process of its own because
only a small process with one thread can fork fast and safely.

When the server dies, the socket ends. The launcher then kills every container and removes their control groups. If
the launcher is killed, the first process of each container dies with it (PR_SET_PDEATHSIG), and so does everything
in the container's process namespace.
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

from ..linux import cgroups
from ..linux import syscalls as sc
from . import container_init, supervisor

_END = 5  # seconds for the processes to die once the server has ended


@dataclass
class Task:
    """A process that was started for a request.

    ``report`` is the read end of its setup pipe, -1 once closed, and ``setup`` is what came through it. Without
    namespaces ``pid`` is a supervisor, and ``main`` is the program below it.
    """

    id: int
    pid: int
    report: int
    setup: bytes = b""
    main: int = 0
    code: int | None = None


class Launcher:
    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.tasks: dict[int, Task] = {}  # by the id of the request
        self.cgroups: list[str] = []
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
                    if not self.handle_request():
                        return self.end()
                elif key.fileobj == wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake, 4096)
                    self.reap()
                else:
                    self.read_setup_pipe(key.data)

    def handle_request(self) -> bool:
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
            elif message["op"] == "own-cgroups":
                self.cgroups += message["paths"]
            else:
                self.start(message, fds)
        except OSError as error:
            self.send({"id": message["id"], "event": "failed", "phase": "setup", "error": str(error)})
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
            pid = container_init.enter(spec, stdio, write)
        elif spec["isolation"] == "plain":
            pid = supervisor.start(spec, stdio, write)
        else:
            pid = container_init.start(spec, stdio, write)
        os.close(write)
        task = Task(message["id"], pid, read)
        self.tasks[task.id] = task
        self.selector.register(read, selectors.EVENT_READ, task)

    def read_setup_pipe(self, task: Task) -> None:
        """The setup pipe holds the reason if the program did not start, and nothing if it did."""
        if task.report < 0:
            return  # `reap` has read it for an earlier event of the same `select`
        try:
            data = os.read(task.report, 65536)
        except BlockingIOError:
            return
        task.setup += data
        if data:
            return
        self.selector.unregister(task.report)
        os.close(task.report)
        task.report = -1
        setup = json.loads(task.setup) if task.setup else {}
        if "error" in setup:
            self.send({"id": task.id, "event": "failed", **setup})
            self.tasks.pop(task.id, None)
            return
        task.main = setup.get("main", 0)
        self.send({"id": task.id, "event": "started", "pid": task.main or task.pid})
        self.report_exit(task)

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
                        self.read_setup_pipe(task)
                    self.report_exit(task)

    def report_exit(self, task: Task) -> None:
        if task.code is not None and task.report < 0 and task.id in self.tasks:
            del self.tasks[task.id]
            self.send({"id": task.id, "event": "exited", "code": task.code})

    def signal(self, target: int, number: int) -> None:
        task = self.tasks.get(target)
        if task is None or task.code is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if not task.main:
                os.kill(task.pid, number)
            elif number == signal.SIGKILL:
                os.kill(task.pid, signal.SIGTERM)  # the supervisor then kills everything below it
            else:
                os.killpg(task.main, number)

    def send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the server has ended: `handle_request` notices too
            self.server.send(json.dumps(message).encode())

    def end(self) -> None:
        for task in self.tasks.values():
            if task.code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(task.pid, signal.SIGTERM if task.main else signal.SIGKILL)
        deadline = time.monotonic() + _END
        while time.monotonic() < deadline:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.01)
            except ChildProcessError:
                break
        cgroups.remove(self.cgroups)


def main() -> None:
    sc.prctl(sc.PR_SET_CHILD_SUBREAPER, 1)
    Launcher(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
