"""From the launcher's fork to the program of a container in namespaces: root file system, user, capabilities.

Standard library only: this runs in children of the launcher, which has one thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
from pathlib import Path
from typing import NoReturn

from ..linux import syscalls as sc
from . import program, rootfs
from .requests import ExecSpec, ProcessSpec, RootSpec, StartSpec

_LAUNCHER_DIED = 137
_SETUP_FAILED = 128

# A pipe that only the launcher can write to. It ends when the launcher dies. A child checks it because its process
# namespace hides the id of its parent, which may have died before the child asked to die with it.
_alive: list[int] = []


def start(spec: StartSpec, stdio: list[int], report: int) -> int:
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
        _become_program(spec, stdio, report, spec["root"])
    if user_namespace:
        _map_user(pid, spec["user"] or 0, spec["group"] or 0)
    os.write(ready_write, b"x")
    os.close(ready_read)
    os.close(ready_write)
    return pid


def enter(spec: ExecSpec, stdio: list[int], report: int) -> int:
    """Fork a process into the namespaces of the running container ``spec["pid"]``. Returns its process id."""
    answer_read, answer_write = os.pipe()
    helper = sc.clone(0)
    if helper == 0:
        try:
            program.join_cgroups(spec["cgroup_procs"])
            _enter_namespaces(spec["pid"], user=spec["isolation"] == "user-namespace")
            # Only children are in the process namespace. CLONE_PARENT makes this child one of the launcher.
            pid = sc.clone(sc.CLONE_PARENT)
            if pid == 0:
                _become_program(spec, stdio, report, None)
            os.write(answer_write, struct.pack("i", pid))
        except OSError as error:
            program.report_failure(report, "setup", error)
        os._exit(0)
    os.close(answer_write)
    answer = os.read(answer_read, 4)
    os.close(answer_read)
    return int(struct.unpack("i", answer)[0]) if answer else helper


def _enter_namespaces(pid: int, *, user: bool) -> None:
    kinds = [("cgroup", sc.CLONE_NEWCGROUP)] if _differs(pid, "cgroup") else []
    kinds += [("ipc", sc.CLONE_NEWIPC), ("uts", sc.CLONE_NEWUTS), ("pid", sc.CLONE_NEWPID), ("mnt", sc.CLONE_NEWNS)]
    if user:
        kinds.insert(0, ("user", sc.CLONE_NEWUSER))
    opened = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), kind) for name, kind in kinds]
    for fd, kind in opened:
        sc.setns(fd, kind)


def _differs(pid: int, namespace: str) -> bool:
    """Whether a process is in another namespace of a kind than this one."""
    return os.readlink(f"/proc/{pid}/ns/{namespace}") != os.readlink(f"/proc/self/ns/{namespace}")  # noqa: PTH115


def _become_program(spec: ProcessSpec, stdio: list[int], report: int, root: RootSpec | None) -> NoReturn:
    """``root`` is built for the first process of a container. The others find it there."""
    phase = "setup"
    try:
        report = program.above_stdio(report)
        program.reset_signals()
        os.setsid()
        program.set_stdio(stdio, tty=spec["tty"])
        if root:
            program.join_cgroups(spec["cgroup_procs"])
            if root["cgroups"]:
                program.leave_cgroup_namespace()
            rootfs.build(root)
            with contextlib.suppress(OSError):
                sc.sethostname(spec["hostname"])
        _change_user(spec)
        if spec["no_new_privileges"]:
            program.forbid_new_privileges()
        # Last, because a change of credentials clears it.
        sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
        if root and select.select([_alive[0]], [], [], 0)[0]:
            os._exit(_LAUNCHER_DIED)
        os.chdir(spec["cwd"])
        phase = "exec"
        program.run(spec["argv"], spec["env"])
    except BaseException as error:
        program.report_failure(report, phase, error)
        os._exit(_SETUP_FAILED)


def _map_user(pid: int, user: int, group: int) -> None:
    """Map one user and one group of the container to those of the server. An unprivileged user may map no more."""
    Path(f"/proc/{pid}/setgroups").write_text("deny")
    Path(f"/proc/{pid}/uid_map").write_text(f"{user} {os.geteuid()} 1")
    Path(f"/proc/{pid}/gid_map").write_text(f"{group} {os.getegid()} 1")


def _change_user(spec: ProcessSpec) -> None:
    if spec["isolation"] != "namespaces":
        return
    user, group = spec["user"] or 0, spec["group"] or 0
    for stream in (1, 2):  # so that this user can open /dev/stdout and /dev/stderr
        os.fchown(stream, user, group)
    with open("/proc/sys/kernel/cap_last_cap") as file:  # noqa: PTH123
        last = int(file.read())
    for capability in range(last + 1):
        if capability not in spec["capabilities"]:
            sc.prctl(sc.PR_CAPBSET_DROP, capability)
    os.setgroups(spec["supplementary_groups"])
    os.setgid(group)
    os.setuid(user)
