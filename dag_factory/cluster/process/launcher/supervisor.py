"""The supervisor of a container without namespaces: it ends every process that was started below it.

The supervisor is a fork of the launcher. Processes below it that lose their parent become its children
(PR_SET_CHILD_SUBREAPER), so it finds even a daemon. SIGTERM makes it kill the whole tree, and the kernel sends it
SIGTERM when the launcher dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import NoReturn

import psutil

from ...runtime import process_tree
from ..linux import syscalls as sc
from . import program
from .requests import ProcessSpec

_KILLED = 137
_SETUP_FAILED = 128
_OPEN_FILES = 256  # more than the launcher has open
_POLL = 0.01  # seconds


def start(spec: ProcessSpec, stdio: list[int], report: int) -> int:
    """Fork the supervisor, which forks the program. Returns the process id of the supervisor.

    The supervisor writes ``{"main": pid}`` with the id of the program to the setup pipe.
    """
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        _supervise(spec, stdio, report, launcher)
    return pid


def _supervise(spec: ProcessSpec, stdio: list[int], report: int, launcher: int) -> NoReturn:
    signal.set_wakeup_fd(-1)
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        _kill_descendants()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sc.prctl(sc.PR_SET_CHILD_SUBREAPER, 1)
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != launcher:
        os._exit(_KILLED)
    failed_read, failed_write = os.pipe()
    main = os.fork()
    if main == 0:
        _become_program(spec, stdio, failed_write)
    os.close(failed_write)
    failure = os.read(failed_read, 65536)
    os.write(report, failure or json.dumps({"main": main}).encode())
    # The log ends when every process has closed its end of the pipes.
    os.closerange(0, 3)
    os.closerange(3, _OPEN_FILES)
    code = _wait_for(main)
    while _kill_descendants():
        time.sleep(_POLL)
    os._exit(_KILLED if stopped and code is None else code or 0)


def _become_program(spec: ProcessSpec, stdio: list[int], report: int) -> NoReturn:
    phase = "setup"
    try:
        report = program.above_stdio(report)
        program.reset_signals()
        os.setsid()
        program.set_stdio(stdio, tty=spec["tty"])
        program.join_cgroups(spec["cgroup_procs"])
        if os.geteuid() == 0 and (spec["user"] or spec["group"] or spec["supplementary_groups"]):
            os.setgroups(spec["supplementary_groups"])
            os.setgid(spec["group"] or 0)
            os.setuid(spec["user"] or 0)
        if spec["no_new_privileges"]:
            program.forbid_new_privileges()
        sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.chdir(spec["cwd"])
        phase = "exec"
        program.run(spec["argv"], spec["env"])
    except BaseException as error:
        program.report_failure(report, phase, error)
        os._exit(_SETUP_FAILED)


def _wait_for(main: int) -> int | None:
    """Reap processes until ``main`` ends. Returns its exit code, or 128 + the number of the signal that killed it."""
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return None
        if pid == main:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _kill_descendants() -> bool:
    """Kill every process below this one. Returns whether there were any: then call again, as there may be new ones."""
    found = process_tree.descendants(os.getpid())
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return bool(found)
