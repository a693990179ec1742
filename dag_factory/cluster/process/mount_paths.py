"""Mount paths without mount namespaces: symbolic links on this machine, which one pod uses at a time.

Two pods share a path that leads to the same folder for both, such as a claim or the folder of an image. For any other
path the later pod waits. It waits for the paths of all its containers at once, so that no two pods wait for each
other. Where no link can be made, the folder replaces the path in the command, its arguments and its variables. This
does not help a program that has the path in its own code.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from ..runtime.engine import Mount, StartError
from .specs import Program

log = logging.getLogger(__name__)

# Mounts of every pod: the folder of the service account, which is empty here, the shared memory of this machine, and
# the file for a termination message.
_SKIPPED = ("/var/run/secrets/kubernetes.io/serviceaccount", "/dev/shm", "/dev/termination-log")


@dataclass
class PathLease:
    """The mount paths of one container, source by target. ``replaced`` are the paths that could not become links."""

    mounts: dict[str, Path] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    def rewrite(self, program: Program) -> Program:
        env = {key: self._rewrite(value) for key, value in program.env.items()}
        return Program(self.rewrite_words(program.argv), env, self._rewrite(program.cwd))

    def rewrite_words(self, words: list[str]) -> list[str]:
        return [self._rewrite(word) for word in words]

    def _rewrite(self, text: str) -> str:
        for target, source in self.replaced.items():
            text = text.replace(target, source)
        return text


Pairs = set[tuple[str, Path]]  # (target, source)


class MountPaths:
    def __init__(self) -> None:
        self._pods: dict[str, Pairs] = {}
        self._pod_of: dict[str, str] = {}  # by container
        self._leases: dict[str, PathLease] = {}
        self._links: dict[str, Path] = {}
        self._created_folders: list[str] = []  # above the links, removed with them
        self._changed = asyncio.Condition()
        self._record: Path | None = None

    async def acquire(
        self, key: str, mounts: list[Mount], pod: str = "", pod_mounts: list[Mount] | None = None
    ) -> PathLease:
        """Wait until no other pod uses a path of this pod for another folder, then link the paths of container ``key``.

        ``pod_mounts`` are the mounts of all containers of the pod. Raises StartError (CreateContainerError) if a path
        exists and is not a link of this server.
        """
        paths = _paths(mounts)
        pod = pod or key
        pairs = {*paths.items(), *((t, s) for m in pod_mounts or [] for t, s in _paths([m]).items())}
        async with self._changed:
            if pod not in self._pods:
                if self._others_use(pod, pairs):
                    log.info("A pod waits for a mount path that another pod uses: %s", ", ".join(sorted(paths)))
                await self._changed.wait_for(lambda: not self._others_use(pod, pairs))
                self._pods[pod] = pairs
            await self._changed.wait_for(lambda: not self._siblings_use(pod, paths))
            lease = self._leases[key] = PathLease(paths)
            self._pod_of[key] = pod
        try:
            for target, source in sorted(paths.items()):
                self._link(target, source, lease)
        except OSError as error:
            self.release(key)
            raise StartError("CreateContainerError", f"mount path {error}") from error
        return lease

    def lease_of(self, key: str) -> PathLease:
        return self._leases.get(key) or PathLease()

    def release(self, key: str) -> None:
        lease = self._leases.pop(key, None)
        if lease is None:
            return
        if self._pod_of.pop(key) == key:  # a container without a pod
            self._pods.pop(key, None)
        in_use = {target for other in self._leases.values() for target in other.mounts}
        for target in lease.mounts:
            if target in self._links and target not in in_use:
                self._unlink(target)
        self._save()
        self._wake = asyncio.ensure_future(self._notify())

    def forget(self, pod: str) -> None:
        """Free the paths of a pod that has ended."""
        if self._pods.pop(pod, None) is not None:
            self._wake = asyncio.ensure_future(self._notify())

    def clear(self) -> None:
        for target in list(self._links):
            self._unlink(target)
        self._save()

    def clean_up(self, record: Path) -> None:
        """Remove the links that a killed server recorded, and record the links of this server in the same file."""
        self._record = record
        with contextlib.suppress(OSError, ValueError, LookupError):
            recorded = json.loads(record.read_text())
            for target, source in recorded["links"].items():
                if os.path.islink(target) and os.readlink(target) == source:  # noqa: PTH114, PTH115
                    Path(target).unlink()
            for folder in reversed(recorded["folders"]):
                Path(folder).rmdir()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _others_use(self, pod: str, pairs: Pairs) -> bool:
        return any(_conflict(pairs, used) for other, used in self._pods.items() if other != pod)

    def _siblings_use(self, pod: str, paths: dict[str, Path]) -> bool:
        """Whether another container of the pod uses a path for another folder: then one runs after the other."""
        siblings = [lease for key, lease in self._leases.items() if self._pod_of[key] == pod]
        return any(
            target in lease.mounts and lease.mounts[target] != source
            for lease in siblings
            for target, source in paths.items()
        )

    def _link(self, target: str, source: Path, lease: PathLease) -> None:
        path = Path(target)
        if self._links.get(target) == source or (path.is_symlink() and path.resolve() == source.resolve()):
            return
        if path.exists() and path.resolve() == source.resolve():
            return
        try:
            if path.is_symlink() or path.exists():
                raise FileExistsError(17, f"{target} exists on this machine, and mount namespaces are not available")
            self._make_parents(path)
            path.symlink_to(source)
        except PermissionError:
            lease.replaced[target] = str(source)
            return
        self._links[target] = source
        self._save()

    def _unlink(self, target: str) -> None:
        self._links.pop(target, None)
        with contextlib.suppress(OSError):
            Path(target).unlink()
        for folder in reversed(self._created_folders):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
                self._created_folders.remove(folder)

    def _make_parents(self, path: Path) -> None:
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir()
                self._created_folders.append(str(parent))

    def _save(self) -> None:
        if self._record:
            links = {target: str(source) for target, source in self._links.items()}
            self._record.write_text(json.dumps({"links": links, "folders": self._created_folders}))


def _paths(mounts: list[Mount]) -> dict[str, Path]:
    return {m.target.rstrip("/"): m.source for m in mounts if m.target.rstrip("/") not in _SKIPPED}


def _conflict(first: Pairs, second: Pairs) -> bool:
    """Whether a path has two sources, or is inside another one."""
    return any(
        a.startswith(f"{b}/") or b.startswith(f"{a}/") or (a == b and a_source != b_source)
        for a, a_source in first
        for b, b_source in second
    )
