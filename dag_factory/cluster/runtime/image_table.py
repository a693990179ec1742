"""The folder of each image. The table is read again, while the server runs, when the files behind it change."""

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

_DEPTH = 3  # levels of folders that are watched
_TIMEOUT = 60  # seconds for the source's command
_Fingerprint = tuple[tuple[str, int, int], ...]


class ImageTable:
    """``folders`` maps fnmatch patterns of image names to folders. The first match counts.

    ``source`` prints the table again, as JSON. Without a source the table never changes.
    """

    def __init__(self, folders: Mapping[str, Path], source: ImageSource | None = None) -> None:
        self._folders = dict(folders)
        self._source = source
        self._seen = _fingerprint(source.watched) if source else ()
        self._reading = asyncio.Lock()

    def folder(self, name: str) -> Path | None:
        """The folder of an image, or None."""
        for pattern, folder in self._folders.items():
            if any(fnmatchcase(candidate, pattern) for candidate in (name, image_name.full(name))):
                return folder
        return None

    async def refresh(self) -> None:
        """Read the table again if a watched file or folder has changed. If that fails, keep the old table."""
        if self._source is None:
            return
        async with self._reading:
            current = _fingerprint(self._source.watched)
            if current == self._seen:
                return
            self._seen = current
            loop = asyncio.get_running_loop()
            try:
                self._folders = await loop.run_in_executor(None, _read, self._source.command)
                log.info("The table of images changed: %d patterns.", len(self._folders))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                log.warning("The table of images changed and can't be read; the old one stays in use: %s", error)


def _read(command: tuple[str, ...]) -> dict[str, Path]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
    return {str(pattern): Path(folder) for pattern, folder in json.loads(done.stdout).items()}


def _fingerprint(watched: tuple[Path, ...]) -> _Fingerprint:
    """The name, time and size of each entry of the folders, a few levels deep."""
    found: list[tuple[str, int, int]] = []
    for root in watched:
        for parent, folders, names in os.walk(root):
            if len(Path(parent).relative_to(root).parts) >= _DEPTH:
                folders.clear()
            for name in (*sorted(folders), *sorted(names)):
                try:
                    entry = os.stat(f"{parent}/{name}")  # noqa: PTH116
                except OSError:
                    continue
                found.append((f"{parent}/{name}", entry.st_mtime_ns, entry.st_size))
    return tuple(sorted(found))
