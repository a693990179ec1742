"""The work that every contestant is given: pipelines of ten jobs, as plain data. The same at each call.

====== =======================================================================================
plain  image, command, two variables, resources
real   also five variables more, one of them from a secret, a volume, a toleration, a security
       context, labels
====== =======================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

JOBS = 10  # of each pipeline
WIDTH = 3  # jobs that stand side by side
TEAMS = 10
FLAVORS = {"small": ("500m", "1Gi"), "medium": ("2", "8Gi"), "large": ("8", "32Gi")}
"""Processors and memory by the name that this project has for them; requests are limits."""

REGISTRY = "registry.example.com/bench"
SECRET = ("DB_PASSWORD", "warehouse", "password")  # variable, secret, key
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"}
SECURITY = {"runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False}
SNAKE = {
    "runAsNonRoot": "run_as_non_root",
    "runAsUser": "run_as_user",
    "allowPrivilegeEscalation": "allow_privilege_escalation",
}
"""The same fields as the client's classes call them."""


@dataclass(frozen=True)
class Job:
    """One pod. ``volume`` is a claim's name and where it is mounted."""

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
        """Whether it has a secret, a toleration and a security context too, the same for all."""
        return self.volume is not None


@dataclass(frozen=True)
class Pipeline:
    """One DAG; its id is ``<team>.<name>``."""

    team: str
    name: str
    jobs: tuple[Job, ...]

    @property
    def id(self) -> str:
        return f"{self.team}.{self.name}"


def pipelines(count: int, kind: str) -> Iterator[Pipeline]:
    """``count`` pipelines of one kind, ``plain`` or ``real``."""
    for number in range(count):
        team, name = f"team{number % TEAMS}", f"pipeline-{number:05}"
        yield Pipeline(team, name, tuple(_job(number, index, kind) for index in range(JOBS)))


def _job(number: int, index: int, kind: str) -> Job:
    name = f"step-{index}"
    above = range(max(0, index - WIDTH), index) if index % WIDTH == 0 else [index - index % WIDTH]
    env = {"PIPELINE": f"pipeline-{number:05}", "STEP": name}
    job = Job(
        name,
        f"{REGISTRY}/pipeline-{number % 50}:1.{index}",
        ("python", "-m", f"pipeline_{number}", name),
        env,
        list(FLAVORS)[index % len(FLAVORS)],
        tuple(f"step-{one}" for one in above),
    )
    if kind == "plain":
        return job
    more = {"LOG_LEVEL": "info", "REGION": "eu-central", "BATCH": str(1000 + number), "TABLE": f"t_{number}_{index}"}
    labels = {"cost-center": f"cc-{number % 7}", "step": name}
    return Job(**{**vars(job), "env": {**env, **more}, "volume": (f"data-{number % 20}", "/data"), "labels": labels})
