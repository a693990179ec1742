"""How much disk space the files of a folder take."""

from __future__ import annotations

import os
from pathlib import Path


def used_bytes(folder: Path) -> int:
    """The bytes on the disk below a folder."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{path}/{name}").st_blocks * 512
            except OSError:
                continue
    return total
