"""From the launcher's fork to the container's program: namespaces, root, user, limits, ``execve``.

Standard library only: this runs in children of the one-threaded launcher. A child reports a failure on its
setup pipe as ``{"phase": "setup" | "exec", "error": text}``; the pipe closes by itself when the program runs.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import struct
from pathlib import Path
from typing import Any, NoReturn

from . import rootfs
from . import syscalls as sc

# What a container engine leaves to a container's root, less making device nodes (no device control group here).
_KEPT_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31}
_TIOCSCTTY = 0x540E


class ProgramError(OSError):
    """The program can't be run. Its text is what a container runtime says."""


def start(spec: dict[str, Any], stdio: list[int], report: int) -> int:
    """Fork the first process of a container in namespaces of its own. Returns its process id."""
    flags = sc.CLONE_NEWNS | sc.CLONE_NEWPID | sc.CLONE_NEWIPC | sc.CLONE_NEWUTS
    user_namespace = spec["isolation"] == "user-namespace"
    ready_read, ready_write = os.pipe()
    if not _alive:
        _alive.extend(os.pipe())
    pid = sc.clone(flags | (sc.CLONE_NEWUSER if user_namespace else 0))
    if pid == 0:
        os.close(ready_write)
        os.close(_alive[1])
        os.read(ready_read, 1)
        _become(spec, stdio, report, build=True)
    if user_namespace:
        _map_user(pid, spec["user"] or 0, spec["group"] or 0)
    os.write(ready_write, b"x")
    os.close(ready_read)
    os.close(ready_write)
    return pid


# A pipe that only the launcher can write to: its end tells a child, whose parent's id its namespace hides, that
# the launcher died before the child asked to die with it.
_alive: list[int] = []


def enter(spec: dict[str, Any], stdio: list[int], report: int) -> int:
    """Fork a process into the namespaces of the running container ``spec["pid"]``. Returns its process id."""
    answer_read, answer_write = os.pipe()
    helper = sc.clone(0)
    if helper == 0:
        try:
            _join_groups(spec)
            base = f"/proc/{spec['pid']}/ns"
            kinds = [
                ("ipc", sc.CLONE_NEWIPC),
                ("uts", sc.CLONE_NEWUTS),
                ("pid", sc.CLONE_NEWPID),
                ("mnt", sc.CLONE_NEWNS),
            ]
            if spec["isolation"] == "user-namespace":
                kinds.insert(0, ("user", sc.CLONE_NEWUSER))
            opened = [(os.open(f"{base}/{name}", os.O_RDONLY), kind) for name, kind in kinds]
            for fd, kind in opened:
                sc.setns(fd, kind)
            # The process namespace is for children only; with CLONE_PARENT that child is the launcher's.
            pid = sc.clone(sc.CLONE_PARENT)
            if pid == 0:
                _become(spec, stdio, report, build=False)
            os.write(answer_write, struct.pack("i", pid))
        except OSError as error:
            _tell(report, "setup", error)
        os._exit(0)
    os.close(answer_write)
    answer = os.read(answer_read, 4)
    os.close(answer_read)
    return int(struct.unpack("i", answer)[0]) if answer else helper


def _become(spec: dict[str, Any], stdio: list[int], report: int, *, build: bool) -> NoReturn:
    phase = "setup"
    try:
        report = _above_stdio(report)
        _reset_signals()
        os.setsid()
        _stdio(stdio, spec["tty"])
        if build:
            _join_groups(spec)
            rootfs.build(spec["root"])
            with contextlib.suppress(OSError):
                sc.sethostname(spec["hostname"])
        _change_user(spec)
        # Last, since a change of credentials clears it.
        sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
        if build and select.select([_alive[0]], [], [], 0)[0]:
            os._exit(137)
        _work_in(spec["cwd"], make=build)
        phase = "exec"
        run_program(spec["argv"], spec["env"])
    except BaseException as error:
        _tell(report, phase, error)
        os._exit(128)


def run_program(argv: list[str], env: dict[str, str]) -> NoReturn:
    """``execve`` with the container's own PATH. Raises ProgramError as a container runtime words it."""
    name = argv[0]
    try:
        if "/" in name:
            os.execve(name, argv, env)
        for folder in env.get("PATH", os.defpath).split(":"):
            candidate = f"{folder or '.'}/{name}"
            if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112
                os.execve(candidate, argv, env)
    except OSError as error:
        quoted = json.dumps(name, ensure_ascii=False)
        if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.exists(name):  # noqa: PTH110
            raise ProgramError(f"exec: {quoted}: stat {name}: {_text(error)}") from error
        raise ProgramError(f"exec: {quoted}: {_text(error)}") from error
    raise ProgramError(f"exec: {json.dumps(name, ensure_ascii=False)}: executable file not found in $PATH")


def _text(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()


def _tell(report: int, phase: str, error: BaseException) -> None:
    with contextlib.suppress(OSError):
        os.write(report, json.dumps({"phase": phase, "error": str(error)}).encode()[:4000])


def _above_stdio(fd: int) -> int:
    """Keep the setup pipe out of the way of the three standard streams."""
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _stdio(fds: list[int], tty: bool) -> None:
    kept = [_above_stdio(fd) for fd in fds]
    for index, fd in enumerate(kept):
        os.dup2(fd, index)
    if tty:
        import fcntl

        fcntl.ioctl(0, _TIOCSCTTY, 0)


def _join_groups(spec: dict[str, Any]) -> None:
    for procs in spec["groups"]:
        with open(procs, "w") as file:  # noqa: PTH123
            file.write("0")


def _map_user(pid: int, user: int, group: int) -> None:
    """One id inside stands for the one the server runs as; that is all an unprivileged user may map."""
    Path(f"/proc/{pid}/setgroups").write_text("deny")
    Path(f"/proc/{pid}/uid_map").write_text(f"{user} {os.geteuid()} 1")
    Path(f"/proc/{pid}/gid_map").write_text(f"{group} {os.getegid()} 1")


def _change_user(spec: dict[str, Any]) -> None:
    if spec["isolation"] != "namespaces":
        return
    user, group = spec["user"] or 0, spec["group"] or 0
    for stream in (1, 2):  # so that /dev/stdout can be opened by who the program runs as
        os.fchown(stream, user, group)
    with open("/proc/sys/kernel/cap_last_cap") as file:  # noqa: PTH123
        last = int(file.read())
    for capability in range(last + 1):
        if capability not in _KEPT_CAPABILITIES:
            sc.prctl(sc.PR_CAPBSET_DROP, capability)
    os.setgroups(spec["supplementary_groups"])
    os.setgid(group)
    os.setuid(user)


def _work_in(folder: str, *, make: bool) -> None:
    if make:
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    os.chdir(folder)
