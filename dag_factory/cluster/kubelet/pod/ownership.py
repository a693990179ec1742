"""The group of a pod's volumes: ``fsGroup`` owns the files of a volume, and of the files that are created in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_FOLDER = 0o2770  # with the bit that gives new files the group of their folder
_READ_ONLY_FOLDER = 0o2550
_FILE = 0o660
_READ_ONLY_FILE = 0o440


def give_to(group: int | None, folder: Path, *, read_only: bool = False) -> Path:
    """Give a volume to ``group``, if there is one. A volume that belongs to it already is left as it is.

    Only root may do that. For any other user, the files keep their group.
    """
    if group is None or os.geteuid() != 0:
        return folder
    root = folder.stat()
    if root.st_gid == group and root.st_mode & stat.S_ISGID:
        return folder
    _change(folder, group, _READ_ONLY_FOLDER if read_only else _FOLDER)
    for path, folders, files in os.walk(folder):
        for name in folders:
            _change(Path(path, name), group, _READ_ONLY_FOLDER if read_only else _FOLDER)
        for name in files:
            _change(Path(path, name), group, _READ_ONLY_FILE if read_only else _FILE)
    return folder


def _change(path: Path, group: int, mode: int) -> None:
    """Set the group, and add permissions. Links are not followed."""
    before = path.lstat().st_mode
    os.lchown(path, -1, group)
    if not stat.S_ISLNK(before):
        path.chmod(stat.S_IMODE(before) | mode)
