"""Mount paths without mount namespaces: symbolic links on this machine, lent to one pod at a time.

A path that leads to the same place for two pods (a claim, an image's folder) is shared; one that doesn't makes the
later pod wait. A pod waits for all its containers' paths at once, so that no two pods wait for each other. Where no
link can be made, the path is replaced by the folder in the command, its arguments and its variables, which covers a
path that a program is told and not one that it has built in.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..runtime.engine import Mount, StartError

log = logging.getLogger(__name__)

# Every pod has these: a service account's folder, in which nothing is here, the machine's own shared memory,
# and the file for a last word.
_SKIPPED = ("/var/run/secrets/kubernetes.io/serviceaccount", "/dev/shm", "/dev/termination-log")


@dataclass
class Taken:
    """The mounts one container holds; ``replaced`` are the paths that could not become links."""

    mounts: dict[str, Path] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    def rewrite(self, words: list[str]) -> list[str]:
        return [self._text(word) for word in words]

    def rewrite_env(self, env: Mapping[str, str]) -> dict[str, str]:
        return {key: self._text(value) for key, value in env.items()}

    def folder(self, path: str) -> str:
        return self._text(path)

    def _text(self, text: str) -> str:
        for target, source in self.replaced.items():
            text = text.replace(target, source)
        return text


Pairs = set[tuple[str, Path]]


class MountPaths:
    def __init__(self) -> None:
        self._pods: dict[str, Pairs] = {}
        self._owners: dict[str, str] = {}  # container: pod
        self._taken: dict[str, Taken] = {}
        self._links: dict[str, Path] = {}
        self._made: list[str] = []  # folders above links that were not there, to be removed with them
        self._freed = asyncio.Condition()
        self._record: Path | None = None

    async def take(self, key: str, mounts: list[Mount], pod: str = "", together: list[Mount] | None = None) -> Taken:
        """Wait until no other pod has a different thing at one of ``together``, its paths, then link this container's.

        Raises StartError (CreateContainerError) if a path is taken by something that is no link of ours.
        """
        wanted = _paths(mounts)
        pod = pod or key
        pairs = {*wanted.items(), *((t, s) for m in together or [] for t, s in _paths([m]).items())}
        async with self._freed:
            if pod not in self._pods:
                if self._others_have(pod, pairs):
                    log.info("A pod waits for a mount path that another pod has: %s", ", ".join(sorted(wanted)))
                await self._freed.wait_for(lambda: not self._others_have(pod, pairs))
                self._pods[pod] = pairs
            await self._freed.wait_for(lambda: not self._siblings_have(pod, wanted))
            taken = self._taken[key] = Taken(wanted)
            self._owners[key] = pod
        try:
            for target, source in sorted(wanted.items()):
                self._link(target, source, taken)
        except OSError as error:
            self.give_back(key)
            raise StartError("CreateContainerError", f"mount path {error}") from error
        return taken

    def of(self, key: str) -> Taken:
        return self._taken.get(key) or Taken()

    def give_back(self, key: str) -> None:
        taken = self._taken.pop(key, None)
        if taken is None:
            return
        if self._owners.pop(key) == key:  # a container without a pod
            self._pods.pop(key, None)
        still = {target for other in self._taken.values() for target in other.mounts}
        for target in taken.mounts:
            if target in self._links and target not in still:
                self._unlink(target)
        self._save()
        self._wake = asyncio.ensure_future(self._notify())

    def forget(self, pod: str) -> None:
        """The pod needs its paths no more."""
        if self._pods.pop(pod, None) is not None:
            self._wake = asyncio.ensure_future(self._notify())

    def clear(self) -> None:
        for target in list(self._links):
            self._unlink(target)
        self._save()

    def clean_up(self, record: Path) -> None:
        """Remove the links that a killed server left, as its record says, and keep this server's record there."""
        self._record = record
        with contextlib.suppress(OSError, ValueError, LookupError):
            left = json.loads(record.read_text())
            for target, source in left["links"].items():
                if os.path.islink(target) and os.readlink(target) == source:  # noqa: PTH114, PTH115
                    Path(target).unlink()
            for folder in reversed(left["folders"]):
                Path(folder).rmdir()

    async def _notify(self) -> None:
        async with self._freed:
            self._freed.notify_all()

    def _others_have(self, pod: str, pairs: Pairs) -> bool:
        return any(_conflict(pairs, theirs) for other, theirs in self._pods.items() if other != pod)

    def _siblings_have(self, pod: str, wanted: dict[str, Path]) -> bool:
        """Two containers of one pod that need one path for different things run one after another too."""
        siblings = [taken for key, taken in self._taken.items() if self._owners[key] == pod]
        return any(
            target in taken.mounts and taken.mounts[target] != source
            for taken in siblings
            for target, source in wanted.items()
        )

    def _link(self, target: str, source: Path, taken: Taken) -> None:
        path = Path(target)
        if self._links.get(target) == source or (path.is_symlink() and path.resolve() == source.resolve()):
            return
        if path.exists() and path.resolve() == source.resolve():
            return
        try:
            if path.is_symlink() or path.exists():
                raise FileExistsError(17, f"{target} exists on this machine, and mount namespaces are not to be had")
            self._make_parents(path)
            path.symlink_to(source)
        except PermissionError:
            taken.replaced[target] = str(source)
            return
        self._links[target] = source
        self._save()

    def _unlink(self, target: str) -> None:
        self._links.pop(target, None)
        with contextlib.suppress(OSError):
            Path(target).unlink()
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
                self._made.remove(folder)

    def _make_parents(self, path: Path) -> None:
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir()
                self._made.append(str(parent))

    def _save(self) -> None:
        if self._record:
            links = {target: str(source) for target, source in self._links.items()}
            self._record.write_text(json.dumps({"links": links, "folders": self._made}))


def _paths(mounts: list[Mount]) -> dict[str, Path]:
    return {m.target.rstrip("/"): m.source for m in mounts if m.target.rstrip("/") not in _SKIPPED}


def _conflict(mine: Pairs, theirs: Pairs) -> bool:
    return any(
        a.startswith(f"{b}/") or b.startswith(f"{a}/") or (a == b and mine_source != their_source)
        for a, mine_source in mine
        for b, their_source in theirs
    )
