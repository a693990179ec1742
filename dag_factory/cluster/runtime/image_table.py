"""Which folder stands for an image; read anew where the table behind it changed, while the server runs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from ..config import ImageSource
from . import image_name

log = logging.getLogger(__name__)

_DEPTH = 3
_LONGEST = 60  # seconds that the source may take
_State = tuple[tuple[str, int, int], ...]


class ImageTable:
    """``folders`` maps fnmatch patterns of image names to folders; the first that matches counts.

    ``source`` prints them anew, as JSON; without one they stay as they are.
    """

    def __init__(self, folders: Mapping[str, Path], source: ImageSource | None = None) -> None:
        self._folders = dict(folders)
        self._source = source
        self._seen = _state(source.watched) if source else ()
        self._reading = asyncio.Lock()

    def folder(self, name: str) -> Path | None:
        """The folder that stands for an image."""
        for pattern, folder in self._folders.items():
            if any(fnmatchcase(candidate, pattern) for candidate in (name, image_name.full(name))):
                return folder
        return None

    async def refresh(self) -> None:
        """Read the table again where a watched file or folder changed; on failure the old one stays."""
        if self._source is None:
            return
        async with self._reading:
            state = _state(self._source.watched)
            if state == self._seen:
                return
            self._seen = state
            loop = asyncio.get_running_loop()
            try:
                self._folders = await loop.run_in_executor(None, _read, self._source.command)
                log.info("The table of images changed: %d patterns.", len(self._folders))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                log.warning("The changed table of images could not be read, the old one stays: %s", error)


def _read(command: tuple[str, ...]) -> dict[str, Path]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
    return {str(pattern): Path(folder) for pattern, folder in json.loads(done.stdout).items()}


def _state(watched: tuple[Path, ...]) -> _State:
    """Name, time and size of what lies in the folders, a few levels deep."""
    found: list[tuple[str, int, int]] = []
    for root in watched:
        for parent, folders, names in os.walk(root):
            if len(Path(parent).relative_to(root).parts) >= _DEPTH:
                folders.clear()
            for name in (*sorted(folders), *sorted(names)):
                try:
                    about = os.stat(f"{parent}/{name}")  # noqa: PTH116
                except OSError:
                    continue
                found.append((f"{parent}/{name}", about.st_mtime_ns, about.st_size))
    return tuple(sorted(found))
