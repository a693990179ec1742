"""The pipelines that every contestant builds, as plain data: ten jobs each, the same at each call.

====== =======================================================================================
plain  image, command, two variables, resources
real   also five more variables (one from a secret), a volume, a toleration, a security context,
       labels
====== =======================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

JOBS = 10  # per pipeline
WIDTH = 3  # jobs that run in parallel
TEAMS = 10
FLAVORS = {"small": ("500m", "1Gi"), "medium": ("2", "8Gi"), "large": ("8", "32Gi")}
"""Processors and memory of each flavor. Requests equal limits."""

REGISTRY = "registry.example.com/bench"
SECRET = ("DB_PASSWORD", "warehouse", "password")  # variable, secret, key
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"}
SECURITY = {"runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False}
SNAKE = {
    "runAsNonRoot": "run_as_non_root",
    "runAsUser": "run_as_user",
    "allowPrivilegeEscalation": "allow_privilege_escalation",
}
"""The names of these fields in the classes of the Kubernetes client."""


@dataclass(frozen=True)
class Job:
    """One pod. ``volume`` is the name of a claim and its mount path."""

    name: str
    image: str
    command: tuple[str, ...]
    env: dict[str, str]
    flavor: str
    depends_on: tuple[str, ...]
    volume: tuple[str, str] | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def is_real(self) -> bool:
        """Whether the pod also has a secret, a toleration and a security context, which are the same for all jobs."""
        return self.volume is not None


@dataclass(frozen=True)
class Pipeline:
    """One DAG, with the id ``<team>.<name>``."""

    team: str
    name: str
    jobs: tuple[Job, ...]

    @property
    def id(self) -> str:
        return f"{self.team}.{self.name}"


def pipelines(count: int, kind: str) -> Iterator[Pipeline]:
    """Yield ``count`` pipelines of one kind, ``plain`` or ``real``."""
    for number in range(count):
        team, name = f"team{number % TEAMS}", f"pipeline-{number:05}"
        yield Pipeline(team, name, tuple(_job(number, index, kind) for index in range(JOBS)))


def _job(number: int, index: int, kind: str) -> Job:
    name = f"step-{index}"
    upstream = range(max(0, index - WIDTH), index) if index % WIDTH == 0 else [index - index % WIDTH]
    env = {"PIPELINE": f"pipeline-{number:05}", "STEP": name}
    job = Job(
        name,
        f"{REGISTRY}/pipeline-{number % 50}:1.{index}",
        ("python", "-m", f"pipeline_{number}", name),
        env,
        list(FLAVORS)[index % len(FLAVORS)],
        tuple(f"step-{one}" for one in upstream),
    )
    if kind == "plain":
        return job
    extra = {"LOG_LEVEL": "info", "REGION": "eu-central", "BATCH": str(1000 + number), "TABLE": f"t_{number}_{index}"}
    labels = {"cost-center": f"cc-{number % 7}", "step": name}
    return Job(**{**vars(job), "env": {**env, **extra}, "volume": (f"data-{number % 20}", "/data"), "labels": labels})
