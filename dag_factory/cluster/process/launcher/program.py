"""The steps that a forked child takes before it becomes the program of a container.

Standard library only: this runs in children of the launcher. A child reports a failure on its setup pipe as
``{"phase": "setup" | "exec", "error": text}``. The pipe closes when the program starts.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
from collections.abc import Iterable
from typing import NoReturn

from ..linux import syscalls as sc

_TIOCSCTTY = 0x540E
_FIRST_FREE_FD = 10
_MAX_REPORT = 4000  # bytes: a pipe takes this much at once


class ProgramError(OSError):
    """The program cannot be run. The text is the one of a container runtime."""


def above_stdio(fd: int) -> int:
    """Duplicate a descriptor to a number that the three standard streams cannot take."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_FD)


def reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def set_stdio(fds: list[int], *, tty: bool) -> None:
    """Make ``fds`` the three standard streams. ``tty``: they are the controlling terminal."""
    for index, fd in enumerate([above_stdio(fd) for fd in fds]):
        os.dup2(fd, index)
    if tty:
        fcntl.ioctl(0, _TIOCSCTTY, 0)


def join_cgroups(cgroup_procs: Iterable[str]) -> None:
    for procs in cgroup_procs:
        with open(procs, "w") as file:  # noqa: PTH123
            file.write("0")


def leave_cgroup_namespace() -> None:
    """Make the control group of version 2 that this process is in the root of those that the container sees."""
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):  # noqa: PTH110
        with contextlib.suppress(OSError):
            sc.unshare(sc.CLONE_NEWCGROUP)


def forbid_new_privileges() -> None:
    """Let no program of the container get more rights than it has, for example by a set-user-ID bit."""
    sc.prctl(sc.PR_SET_NO_NEW_PRIVS, 1)


def run(argv: list[str], env: dict[str, str]) -> NoReturn:
    """``execve`` with the PATH of the container. Raises ProgramError."""
    name = argv[0]
    try:
        if "/" in name:
            os.execve(name, argv, env)
        for folder in env.get("PATH", os.defpath).split(":"):
            candidate = f"{folder or '.'}/{name}"
            if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112
                os.execve(candidate, argv, env)
    except OSError as error:
        text = os.strerror(error.errno or 0).lower()
        if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.exists(name):  # noqa: PTH110
            text = f"stat {name}: {text}"
        raise ProgramError(f"exec: {_quoted(name)}: {text}") from error
    raise ProgramError(f"exec: {_quoted(name)}: executable file not found in $PATH")


def report_failure(pipe: int, phase: str, error: BaseException) -> None:
    with contextlib.suppress(OSError):
        os.write(pipe, json.dumps({"phase": phase, "error": str(error)}).encode()[:_MAX_REPORT])


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
