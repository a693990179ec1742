"""Descriptions of a container's processes and root file system, for the launcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..runtime.engine import ContainerSpec, Mount
from . import capabilities
from .launcher.requests import ProcessSpec, RootSpec

_MAX_HOSTNAME = 63


@dataclass(frozen=True)
class Program:
    """What a container runs: arguments, environment variables, working directory."""

    argv: list[str]
    env: Mapping[str, str]
    cwd: str


def process_spec(
    spec: ContainerSpec, program: Program, isolation: str, cgroup_procs: list[str], *, tty: bool
) -> ProcessSpec:
    return ProcessSpec(
        isolation=isolation,
        argv=program.argv,
        env=dict(program.env),
        cwd=program.cwd,
        hostname=(spec.hostname or spec.pod)[:_MAX_HOSTNAME],
        user=spec.user,
        group=spec.group,
        supplementary_groups=list(spec.supplementary_groups),
        tty=tty,
        cgroup_procs=cgroup_procs,
        capabilities=capabilities.allowed(spec),
        no_new_privileges=spec.no_new_privileges,
    )


def root_spec(
    spec: ContainerSpec,
    mounts: Sequence[Mount],
    *,
    cwd: str,
    hide: Path,
    submounts: Sequence[str],
    cgroups: Mapping[str, str],
) -> RootSpec:
    return RootSpec(
        scratch=str(spec.scratch),
        submounts=list(submounts),
        hide=[str(hide)],
        mounts=[
            {
                "source": str(m.source),
                "target": m.target,
                "read_only": m.read_only,
                "kind": m.kind,
                "size": m.size,
                "group": m.group,
            }
            for m in mounts
        ],
        read_only=spec.read_only_root,
        cwd=cwd,
        cgroups=dict(cgroups),
    )
