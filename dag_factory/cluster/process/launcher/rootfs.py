"""The root file system of a container: the one of this machine, copy-on-write, with the mounts of the pod.

Runs in a newly forked child in its new mount namespace. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import lru_cache
from pathlib import Path

from ..linux import syscalls as sc
from .requests import MountSpec, RootSpec

# Folders that a container has of its own.
_OWN = {"proc", "sys", "dev", "tmp", "run"}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_MAX_LINKS = 40  # as in the kernel
# Folders of the machine whose files an image adds to. It replaces any other folder.
_SYSTEM = {"bin", "etc", "home", "lib", "lib64", "opt", "root", "sbin", "srv", "usr", "var"}
_SHM = "size=64m,mode=1777"


def build(root: RootSpec) -> None:
    """Make the root file system and enter it."""
    scratch = root["scratch"]
    new = f"{scratch}/root"
    sc.mount("none", "/", flags=sc.MS_REC | sc.MS_PRIVATE)
    _directory(new)  # on the disk: what a program writes next to the folders of the machine needs room
    sc.mount(new, new, flags=sc.MS_BIND)
    for entry in sorted(Path("/").iterdir()):
        if entry.name not in _OWN:
            _graft(entry, new, scratch)
    for point in root["submounts"]:
        _submount(Path(point), new, scratch)
    for name in ("tmp", "run"):
        own = f"{scratch}/{name}"
        _directory(own, 0o1777 if name == "tmp" else 0o755)
        _bind(own, f"{new}/{name}", is_file=False)
    for hidden in root["hide"]:
        _hide(resolve(new, hidden))
    if root["read_only"]:
        _seal(root, new)
    _dev(new)
    _bind("/sys", f"{new}/sys", is_file=False, recursive=True)
    with contextlib.suppress(OSError):
        sc.read_only(f"{new}/sys")
    _show_cgroups(root["cgroups"], new)
    _directory(f"{new}/proc")
    # While the old root is there: a user namespace may mount a proc only where it sees another one in full.
    sc.mount("proc", f"{new}/proc", "proc", sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC)
    for item in root["mounts"]:
        _mount(item, new, root)
    _make_cwd(root, new)
    sc.pivot_root(new)


def resolve(root: str, path: str, depth: int = 0) -> str:
    """Resolve ``path`` inside ``root``. Symbolic links never lead out of it. Raises OSError for a loop of links."""
    if depth > _MAX_LINKS:
        raise OSError(40, f"too many symbolic links in {path}")
    done: list[str] = []
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for index, part in enumerate(parts):
        if part == "..":
            done = done[:-1]
            continue
        here = "/".join([root, *done, part])
        if os.path.islink(here):  # noqa: PTH114
            link = os.readlink(here)  # noqa: PTH115
            start = "" if link.startswith("/") else "/".join(done) + "/"
            return resolve(root, "/".join([start + link, *parts[index + 1 :]]), depth + 1)
        done.append(part)
    return "/".join([root, *done])


def _graft(entry: Path, new: str, scratch: str, deep: bool = True) -> None:
    """Show ``entry`` of the machine's root below ``new``, copy-on-write where the kernel allows it."""
    target = f"{new}{entry}"
    mode = entry.lstat().st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(entry), target)  # noqa: PTH115, PTH211
    elif not stat.S_ISDIR(mode):
        if stat.S_ISREG(mode):
            with contextlib.suppress(OSError):
                _bind(str(entry), target, is_file=True)
    else:
        _directory(target, stat.S_IMODE(mode))
        try:
            _overlay(str(entry), target, scratch)
        except OSError:
            # A user namespace cannot overlay a directory with mounts below it: show its entries one by one.
            try:
                children = sorted(entry.iterdir()) if deep else []
            except OSError:
                children = []
            if not children:
                with contextlib.suppress(OSError):
                    _bind(str(entry), target, is_file=False, recursive=True)
            for child in children:
                _graft(child, new, scratch, deep=False)


def _submount(point: Path, new: str, scratch: str) -> None:
    """Show a file system that is mounted below another one: an overlay does not include it."""
    target = resolve(new, str(point))
    with contextlib.suppress(OSError):
        if point.is_dir():
            if Path(target).is_dir():
                try:
                    _overlay(str(point), target, scratch)
                except OSError:
                    _bind(str(point), target, is_file=False)
        elif Path(target).exists():
            _bind(str(point), target, is_file=True)


def _overlay(lower: str, target: str, scratch: str, below: str = "") -> None:
    """Mount ``lower`` copy-on-write. ``below`` is a second folder, whose files appear where ``lower`` has none."""
    name = lower.strip("/").replace("/", "-") or "root"
    upper, work = f"{scratch}/upper/{name}", f"{scratch}/work/{name}"
    info = os.stat(lower)  # noqa: PTH116
    _directory(upper, stat.S_IMODE(info.st_mode))
    _directory(work)
    with contextlib.suppress(OSError):
        os.chown(upper, info.st_uid, info.st_gid)
    lowers = ":".join(_escape(folder) for folder in (lower, below) if folder)
    options = f"lowerdir={lowers},upperdir={_escape(upper)},workdir={_escape(work)}"
    if os.getuid() != 0 or not _in_first_user_namespace():
        options += ",userxattr"  # a user namespace may not write the trusted attributes that overlays use by default
    sc.mount("overlay", target, "overlay", data=options)


@lru_cache
def _in_first_user_namespace() -> bool:
    """Whether this is the first user namespace of the machine."""
    return os.readlink("/proc/self/ns/user") == "user:[4026531837]"  # noqa: PTH115


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def _dev(new: str) -> None:
    dev = f"{new}/dev"
    _directory(dev)
    sc.mount("tmpfs", dev, "tmpfs", sc.MS_NOSUID, "mode=755,size=64k")
    for name in _DEVICES:
        if Path("/dev", name).exists():
            _bind(f"/dev/{name}", f"{dev}/{name}", is_file=True)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{dev}/{name}")  # noqa: PTH211
    _directory(f"{dev}/pts")
    with contextlib.suppress(OSError):
        sc.mount("devpts", f"{dev}/pts", "devpts", sc.MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
    os.symlink("pts/ptmx", f"{dev}/ptmx")  # noqa: PTH211
    _directory(f"{dev}/shm", 0o1777)
    sc.mount("tmpfs", f"{dev}/shm", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, _SHM)


def _hide(folder: str) -> None:
    """Show an empty folder instead of one of the cluster's own."""
    if os.path.isdir(folder):  # noqa: PTH112
        sc.mount("tmpfs", folder, "tmpfs", data="mode=755,size=1m")


def _seal(root: RootSpec, new: str) -> None:
    """Make what is mounted so far read-only. Before, create the folders on which more is mounted."""
    for name in ("dev", "sys", "proc"):
        _directory(f"{new}/{name}")
    for item in root["mounts"]:
        is_file = item["kind"] == "bind" and not os.path.isdir(item["source"])  # noqa: PTH112
        with contextlib.suppress(OSError):
            _make_target(resolve(new, item["target"]), is_file=is_file)
    _make_cwd(root, new)
    sc.read_only(new)


def _make_cwd(root: RootSpec, new: str) -> None:
    """Create the working directory, as root: the user of the container may not be allowed to."""
    with contextlib.suppress(OSError):
        os.makedirs(resolve(new, root["cwd"]), exist_ok=True)  # noqa: PTH103


def _show_cgroups(cgroups: dict[str, str], new: str) -> None:
    """Mount the container's own control groups where programs read their limits, read-only."""
    for target, group in cgroups.items():
        with contextlib.suppress(OSError):
            inside = resolve(new, target)
            sc.mount(group, inside, flags=sc.MS_BIND)
            sc.read_only(inside)


def _mount(item: MountSpec, new: str, root: RootSpec) -> None:
    source, target = item["source"], resolve(new, item["target"])
    if item["kind"] == "overlay":
        _make_target(target, is_file=False)
        try:
            _overlay(source, target, root["scratch"], below=_machine_folder(item["target"], root["hide"]))
        except OSError:
            sc.mount(source, target, flags=sc.MS_BIND)
            sc.read_only(target)
        if root["read_only"]:
            sc.read_only(target)
        return
    if item["kind"] == "tmpfs":
        _make_target(target, is_file=False)
        size = f",size={item['size']}" if item["size"] else ""
        mode = "mode=1777" if item["group"] is None else f"mode=2777,gid={item['group']}"
        sc.mount("tmpfs", target, "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, f"{mode}{size}")
        return
    _bind(source, target, is_file=not os.path.isdir(source), recursive=True)  # noqa: PTH112
    real = os.path.realpath(source)
    for hidden in map(os.path.realpath, root["hide"]):
        if hidden.startswith(f"{real.rstrip('/')}/"):
            _hide(f"{target}/{os.path.relpath(hidden, real)}")
    if item["read_only"]:
        sc.read_only(target)


def _machine_folder(target: str, hide: list[str]) -> str:
    """The folder of this machine that files of an image are merged into, empty if they replace it.

    A folder such as ``/etc`` has files that programs need. A folder such as ``/app`` belongs to the image alone.
    """
    path = os.path.normpath(target)
    is_system = path.split("/")[1] in _SYSTEM and os.path.isdir(path)  # noqa: PTH112
    return path if is_system and not any(hidden.startswith(f"{path}/") for hidden in hide) else ""


def _bind(source: str, target: str, *, is_file: bool, recursive: bool = False) -> None:
    _make_target(target, is_file=is_file)
    sc.mount(source, target, flags=sc.MS_BIND | (sc.MS_REC if recursive else 0))


def _make_target(target: str, *, is_file: bool) -> None:
    """Create what a mount needs. Nothing is written if it exists: the file system may be read-only."""
    if not is_file:
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
    elif not os.path.exists(target):  # noqa: PTH110
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def _directory(path: str, mode: int = 0o755) -> None:
    with contextlib.suppress(FileExistsError):
        os.makedirs(path)  # noqa: PTH103
    with contextlib.suppress(OSError):
        os.chmod(path, mode)  # noqa: PTH101
