"""What the loader could not build, told to the file that makes the report.

Airflow parses the two files of ``dags/`` in two processes. The report compiles everything and builds
nothing; so a pipeline that passes every check, and is refused by Airflow when it is built, would be missing
without a word. The loader leaves its failures in a small file for this user on this machine.

The file is a convenience and is treated so: what cannot be written is not, what cannot be read is nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dag_factory.config.problems import Problem
from dag_factory.config.project import Project


def leave(project: Project, problems: Sequence[Problem], share: str = "") -> None:
    """Keep ``problems`` for the report of ``project``; none of them takes an earlier file away.

    ``share`` names the loader's share, where several loaders divide the project.
    """
    path = _path(project, share)
    with contextlib.suppress(OSError):
        if not problems:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not _is_ours(path.parent):
            return
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(problems))
        temporary.replace(path)  # a reader sees the old file or the new one


def found(project: Project) -> tuple[Problem, ...]:
    """What the loader, or each of several, left the last time."""
    whole = _path(project, "")
    problems: list[Problem] = []
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        if _is_ours(whole.parent):
            for path in sorted(whole.parent.glob(f"{whole.stem}*.json")):
                problems += msgspec.json.decode(path.read_bytes(), type=list[Problem])
    return tuple(problems)


def _path(project: Project, share: str) -> Path:
    whose = hashlib.sha256(f"{project.name}\0{project.environment}".encode()).hexdigest()[:16]
    name = f"build-failures-{whose}{f'-{share}' if share else ''}.json"
    return Path(tempfile.gettempdir()) / f"dagwright-{os.getuid()}" / name


def _is_ours(folder: Path) -> bool:
    # The folder for temporary files is everybody's: another user may have made this one first.
    status = folder.lstat()
    return folder.is_dir() and not folder.is_symlink() and status.st_uid == os.getuid() and not status.st_mode & 0o022
