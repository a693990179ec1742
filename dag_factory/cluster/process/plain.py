"""Containers where namespaces are refused: a supervisor for each, which ends all that was started below it.

The supervisor is a fork of the launcher. Whatever loses its parent below it becomes its child
(PR_SET_CHILD_SUBREAPER), so even a daemon is found. SIGTERM makes it kill the whole tree; the kernel sends it
that too when the launcher dies. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any, NoReturn

from . import child
from . import syscalls as sc


def start(spec: dict[str, Any], stdio: list[int], report: int) -> int:
    """Fork the supervisor, which forks the program. Returns the supervisor's process id.

    On the setup pipe it says ``{"main": pid}``.
    """
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        _supervise(spec, stdio, report, launcher)
    return pid


def _supervise(spec: dict[str, Any], stdio: list[int], report: int, launcher: int) -> NoReturn:
    signal.set_wakeup_fd(-1)
    stop: list[int] = []

    def end(*_: object) -> None:
        stop.append(1)
        _kill_tree()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sc.prctl(sc.PR_SET_CHILD_SUBREAPER, 1)
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != launcher:
        os._exit(137)
    failed_read, failed_write = os.pipe()
    main = os.fork()
    if main == 0:
        _become(spec, stdio, failed_write)
    os.close(failed_write)
    failure = os.read(failed_read, 65536)
    os.write(report, failure or json.dumps({"main": main}).encode())
    os.closerange(0, 3)
    os.closerange(3, 256)  # the pipes' ends here would keep the log from ending
    status = _wait(main)
    while _kill_tree():
        time.sleep(0.01)
    os._exit(137 if stop and status is None else status or 0)


def _become(spec: dict[str, Any], stdio: list[int], report: int) -> NoReturn:
    phase = "setup"
    try:
        report = child._above_stdio(report)
        child._reset_signals()
        os.setsid()
        child._stdio(stdio, spec["tty"])
        child._join_groups(spec)
        if os.geteuid() == 0 and spec["user"]:
            os.setgroups(spec["supplementary_groups"])
            os.setgid(spec["group"] or 0)
            os.setuid(spec["user"])
        sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
        child._work_in(spec["cwd"], make=False)
        phase = "exec"
        child.run_program(spec["argv"], spec["env"])
    except BaseException as error:
        child._tell(report, phase, error)
        os._exit(128)


def _wait(main: int) -> int | None:
    """Reap until ``main`` ends. Returns its exit code, 128 + the signal's number if one ended it."""
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return None
        if pid == main:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _kill_tree() -> bool:
    """Kill every process below this one. Returns whether there was any; a second round catches new ones."""
    found = descendants(os.getpid())
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return bool(found)


def descendants(root: int) -> list[int]:
    """The process ids below ``root``, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found
