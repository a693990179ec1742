"""The folders below ``images/`` that stand for images on a local machine: code with a recipe."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = "local"
"""The environment of the local machine."""
FOLDER = "images"
_RECIPES = ("Dockerfile", "requirements.txt")
_DEPTH = 3
_MAX_FOLDERS = 1_000
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*")


def folders(home: Path) -> tuple[str, ...]:
    """The folders below ``images/`` with a recipe, sorted. Links are not followed."""
    if os.path.islink(home / FOLDER):  # noqa: PTH114 - says no, where is_symlink() raises
        return ()
    return tuple(sorted(_folders(str(home), FOLDER, _DEPTH))[:_MAX_FOLDERS])


def is_recipe(path: str) -> bool:
    """Whether a file below ``images/`` can make its folder stand for an image."""
    folder, _, name = path.rpartition("/")
    return name in _RECIPES and 0 < len(folder.split("/")) <= _DEPTH and bool(folder)


def _folders(home: str, folder: str, depth: int) -> Iterator[str]:
    try:
        with os.scandir(f"{home}/{folder}") as found:
            children = [child for child in found if _NAME.fullmatch(child.name) and child.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for child in children:
        below = f"{folder}/{child.name}"
        if any(os.path.isfile(f"{home}/{below}/{name}") for name in _RECIPES):  # noqa: PTH113
            yield below
        elif depth > 1:
            yield from _folders(home, below, depth - 1)
