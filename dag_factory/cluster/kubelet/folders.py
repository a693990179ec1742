"""The node's folders on this machine: pods' files, their logs, claims and volumes in memory."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

PodKey = tuple[str, str]  # namespace, name


@dataclass(frozen=True)
class NodeFolders:
    """``state`` is the server's folder. Claims and logs outlive the server; everything else is removed with it."""

    state: Path

    @property
    def pods(self) -> Path:
        """Scratch space and volumes, one folder per pod."""
        return self.state / "pods"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def claims(self) -> Path:
        """Persistent volume claims: ``NAMESPACE/NAME``."""
        return self.state / "claims"

    @property
    def memory(self) -> Path:
        """Volumes of medium Memory that several containers share."""
        shm = Path("/dev/shm")
        base = shm if shm.is_dir() else Path(tempfile.gettempdir())
        return base / f"dagf-{hashlib.sha256(str(self.state).encode()).hexdigest()[:12]}"

    def pod_logs(self, key: PodKey, uid: str) -> Path:
        """The folder of all logs of one pod. Its name ends with ``_UID``."""
        return self.logs / f"{key[0]}_{key[1]}_{uid}"

    def log(self, key: PodKey, uid: str, container: str, restart: int) -> Path:
        """The log file of one run of a container."""
        return self.pod_logs(key, uid) / container / f"{restart}.log"

    def prepare(self) -> None:
        """Create the folders. Remove the pods' files of a server that was killed, but not logs and claims."""
        for stale in (self.pods, self.memory):
            shutil.rmtree(stale, ignore_errors=True)
        for folder in (self.pods, self.logs, self.claims):
            folder.mkdir(parents=True, exist_ok=True)

    def remove_logs_except(self, uids: set[str]) -> None:
        """Remove the logs of all pods but these."""
        for folder in self.logs.iterdir():
            if uid_of(folder) not in uids:
                shutil.rmtree(folder, ignore_errors=True)


def uid_of(pod_logs: Path) -> str:
    """The uid of the pod that a folder of logs belongs to."""
    return pod_logs.name.rpartition("_")[2]
