"""Volumes of one job with the same path or the same name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dag_factory.config.model import Job
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Scalar, as_map, is_set, items_of, position_at


def check_mounts(tree: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Two volumes at one path, which Kubernetes rejects; at ``/dev/shm`` a volume replaces the flavor's ``shm``."""
    used = {"/airflow/xcom": "`output: json`"} if is_set(tree.get("output")) else {}
    volumes = tree.get("volumes")
    for index, volume in enumerate(items_of(volumes)):
        mount_path = as_map(volume).get("mount_path")
        if not isinstance(mount_path, Scalar) or mount_path.dynamic:
            continue
        folder = posixpath.normpath(mount_path.text)
        if folder in used:
            message, hint = f"`{folder}` is already used by {used[folder]}", "use another path"
            yield Problem.at(mount_path.position, (*path, "volumes", index), "mount-taken", message, hint)
        used.setdefault(folder, "another volume of this job")


def check_names(job: Job, tree: MapNode, path: KeyPath) -> Iterator[Problem]:
    """One name for two different sources."""
    sources: dict[str, tuple[str | None, ...]] = {}
    for index, volume in enumerate(job.volumes):
        source = (volume.kind, volume.source, volume.medium, volume.size)
        if sources.setdefault(volume.name, source) != source:
            position = position_at(tree, ("volumes", index, "name"))
            message = f"the name `{volume.name}` is used for two different volumes"
            hint = "remove `name`, or use a different name for each source"
            yield Problem.at(position, (*path, "volumes", index), "volume-name-taken", message, hint)
