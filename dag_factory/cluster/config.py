"""The settings of a local cluster, and the files in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ENGINES = ("process", "docker")
ISOLATIONS = ("best", "namespaces", "user-namespace", "plain")
CLIENT_AGENT = "dagf-cluster"  # the user agent of this project's own requests; simulated API errors spare them


@dataclass(frozen=True)
class ImageSource:
    """A command that prints the folder of each image pattern as JSON, and the folders that the command reads."""

    command: tuple[str, ...]
    watched: tuple[Path, ...]


@dataclass(frozen=True)
class ClusterConfig:
    """``state`` is the cluster's folder. All other settings have defaults.

    ``node_cpu`` and ``node_memory`` are the capacity that the node reports. The machine may have less or more.
    ``images`` maps fnmatch patterns of image names to folders.
    ``claims`` are created in each of ``namespaces``.
    ``service_accounts`` are created in each of ``namespaces``, too. A pod of another account is refused.
    ``make_claims``: create a claim that a pod refers to and that does not exist.
    ``engine``: one of ENGINES. Docker's engine is the one at ``DOCKER_HOST``.
    ``isolation``: one of ISOLATIONS, for the process engine. ``best`` is the strongest that this machine allows.
    ``cgroups``: enforce limits by control groups. If false, the cluster watches the memory of processes instead.
    ``venvs``: the folder of the images' virtual environments. Clusters can share it.
    ``strict_volumes``: only root can write to a claim, unless the pod has an ``fsGroup``, as on many real clusters.
    ``image_source``: prints ``images`` again when a watched file has changed.
    """

    state: Path
    images: Mapping[str, Path] = field(default_factory=dict)
    node_cpu: str = "32"
    node_memory: str = "64Gi"
    gpus: int = 0
    node_labels: Mapping[str, str] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    make_claims: bool = True
    port: int = 0
    engine: str = "process"
    isolation: str = "best"
    cgroups: bool = True
    venvs: Path | None = None
    image_source: ImageSource | None = None
    strict_volumes: bool = False
    service_accounts: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(
            {
                **self.__dict__,
                "state": str(self.state),
                "images": {pattern: str(folder) for pattern, folder in self.images.items()},
                "venvs": str(self.venvs) if self.venvs else None,
                "image_source": {
                    "command": self.image_source.command,
                    "watched": [str(folder) for folder in self.image_source.watched],
                }
                if self.image_source
                else None,
            },
            default=list,
        )

    @classmethod
    def from_json(cls, text: str) -> ClusterConfig:
        raw = json.loads(text)
        source = raw.get("image_source")
        return cls(
            **{
                **raw,
                "state": Path(raw["state"]),
                "images": {pattern: Path(folder) for pattern, folder in raw["images"].items()},
                "namespaces": tuple(raw["namespaces"]),
                "claims": tuple(raw["claims"]),
                "service_accounts": tuple(raw["service_accounts"]),
                "venvs": Path(raw["venvs"]) if raw["venvs"] else None,
                "image_source": ImageSource(tuple(source["command"]), tuple(map(Path, source["watched"])))
                if source
                else None,
            }
        )


@dataclass(frozen=True)
class StateDir:
    """The files of a cluster's folder."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def token(self) -> Path:
        return self.root / "token"

    @property
    def claims(self) -> Path:
        return self.root / "claims"

    @property
    def pid(self) -> Path:
        return self.root / "server.pid"

    @property
    def objects(self) -> Path:
        return self.root / "objects.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "server.log"
