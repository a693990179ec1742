"""Linux system calls that Python 3.10 has no function for: namespaces, mounts, clone.

The launcher and the children it forks call them: standard library only, and no state. Every function raises OSError
with the errno of the kernel.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_PARENT = 0x00008000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_SIGCHLD = 17
_NUMBERS = {  # machine: (clone, pivot_root, mount_setattr)
    "x86_64": (56, 155, 442),
    "aarch64": (220, 41, 442),
}

# PyDLL holds the interpreter lock during the call, so that a child of `clone` does not have to acquire it.
_libc = ctypes.PyDLL(None, use_errno=True)


def supported() -> bool:
    """Whether the system call numbers of this machine are known."""
    return platform.system() == "Linux" and platform.machine() in _NUMBERS


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _number(index: int) -> int:
    return _NUMBERS[platform.machine()][index]


def clone(flags: int) -> int:
    """Fork into new namespaces. Returns 0 in the child and the child's process id in the caller.

    Unlike ``os.fork`` it runs no fork hooks of Python: the caller must have one thread, and the child must end with
    ``execve`` or ``os._exit``.
    """
    return _checked(_libc.syscall(_number(0), flags | _SIGCHLD, 0, 0, 0, 0), "clone")


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int) -> None:
    _checked(_libc.setns(fd, kind), "setns")


def mount(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
    _checked(
        _libc.mount(
            source.encode(), target.encode(), fstype.encode() or None, ctypes.c_ulong(flags), data.encode() or None
        ),
        f"mount {fstype or 'bind'} {source} on {target}",
    )


def read_only(target: str) -> None:
    """Make a mount and the mounts below it read-only."""
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    path = target.encode()
    if _libc.syscall(_number(2), _AT_FDCWD, path, _AT_RECURSIVE, attributes, len(attributes)) < 0:
        # Before Linux 5.12. The kernel rejects the call unless it repeats the flags that a user namespace has locked.
        kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount(target, target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def umount(target: str) -> None:
    _checked(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def pivot_root(new_root: str) -> None:
    """Make ``new_root``, a mount point, the root of this mount namespace, and unmount the old root."""
    os.chdir(new_root)
    _checked(_libc.syscall(_number(1), b".", b"."), "pivot_root")
    umount(".")
    os.chdir("/")


def sethostname(name: str) -> None:
    encoded = name.encode()[:64]
    _checked(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def prctl(option: int, value: int) -> None:
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")
