"""A copy of a project in a temporary folder, to check a change before it is made."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dag_factory.config.source.image_folders import FOLDER, folders


@contextmanager
def scratch_copy(home: Path, changed: Mapping[str, bytes]) -> Iterator[Path]:
    """The configuration with changed files, and the folders of images, in a temporary folder. Files are linked."""
    with tempfile.TemporaryDirectory(prefix="dagf-copy-") as folder:
        copy = Path(folder)
        shutil.copytree(home / "configs", copy / "configs", symlinks=True, copy_function=_link)
        for image in folders(home):
            (copy / image).mkdir(parents=True)
            (copy / image / "Dockerfile").touch()
        for file, data in changed.items():
            if file.startswith(("configs/", f"{FOLDER}/")):
                path = copy / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.write_bytes(data)
        yield copy


def _link(source: str, target: str) -> None:
    if not os.path.islink(source):  # noqa: PTH114
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target, follow_symlinks=False)
