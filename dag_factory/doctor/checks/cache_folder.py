"""The folder of compiled files and last good versions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dag_factory.doctor.finding import Finding

_NETWORK = {"nfs", "nfs4", "ceph", "cifs", "smb3", "glusterfs", "fuse.glusterfs", "lustre", "efs", "9p", "fuse.gcsfuse"}


def check_cache(folder: Path | None, environ: Mapping[str, str], is_local: bool) -> Finding:
    """Check that the folder can be written, and that the processes of Airflow share it. None: it is off.

    ``is_local``: the environment runs on one machine, so its processes share every folder.
    """
    if folder is None:
        return Finding(
            check="cache",
            group="project",
            status="warning",
            subject="cache",
            message="off: every process compiles all files again, and a pipeline that breaks loses its DAG",
            fix="set DAG_FACTORY_CACHE to a folder on a volume that the DAG processor and the workers share",
        )
    subject = f"cache {folder}"
    if reason := _unwritable(folder):
        return Finding(
            check="cache",
            group="project",
            status="failed",
            subject=subject,
            message=reason,
            fix="make it writable for this user, or set DAG_FACTORY_CACHE to another folder",
        )
    if is_local:
        return Finding(check="cache", group="project", status="ok", subject=subject, message="writable")
    if kind := _file_system(folder):
        return Finding(
            check="cache",
            group="project",
            status="ok",
            subject=subject,
            message=f"writable, on a shared volume ({kind})",
        )
    unset = "" if environ.get("DAG_FACTORY_CACHE") else "DAG_FACTORY_CACHE is not set; "
    return Finding(
        check="cache",
        group="project",
        status="unknown",
        subject=subject,
        message=f"writable; {unset}whether the DAG processor and the workers share it cannot be seen from here",
        fix="mount one volume into all of them, and set DAG_FACTORY_CACHE to it in each",
    )


def _unwritable(folder: Path) -> str:
    """Why the folder cannot be written; empty if it can. A folder that does not exist is not created."""
    existing = folder
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        return f"{existing} is not a folder"
    if existing != folder:
        return "" if os.access(existing, os.W_OK | os.X_OK) else f"it does not exist, and {existing} is not writable"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as failure:
        return f"not writable: {failure.strerror}"
    return ""


def _file_system(folder: Path) -> str:
    """The kind of a network file system; empty for any other."""
    try:
        lines = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [line.split(" ")[1:3] for line in lines if line.count(" ") >= 3]
    above = [(point, kind) for point, kind in mounts if folder.is_relative_to(point.replace("\\040", " "))]
    kind = max(above, key=lambda one: len(one[0]), default=("", ""))[1]
    return kind if kind in _NETWORK else ""
