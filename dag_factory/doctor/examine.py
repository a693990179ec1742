"""All checks, in order. Environments are examined at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import msgspec

from dag_factory.config.project.project import Project
from dag_factory.doctor.bounded import run_all
from dag_factory.doctor.checks.airflow_objects import AirflowAccess, check_airflow
from dag_factory.doctor.checks.airflow_settings import check_settings
from dag_factory.doctor.checks.cache_folder import check_cache
from dag_factory.doctor.checks.dag_files import check_dag_files
from dag_factory.doctor.checks.environment import check_files
from dag_factory.doctor.checks.machine import check_machine
from dag_factory.doctor.checks.versions import check_plugin, check_versions
from dag_factory.doctor.cluster_access import ClusterAccess
from dag_factory.doctor.finding import Finding, Group
from dag_factory.doctor.needs import Needs, collect_needs
from dag_factory.overview.compiled import compile_pipelines
from dag_factory.settings import INSTALL_HINT

_SECONDS = 120
"""The longest time for the clusters and the Airflows of all environments."""


class Subject(msgspec.Struct, frozen=True):
    """An environment with the cluster and the Airflow that belong to it."""

    project: Project
    cluster: ClusterAccess
    airflow: AirflowAccess


def examine_installation() -> list[Finding]:
    """Check what is installed in this Python."""
    return [*check_versions(), check_plugin()]


def examine_project(
    home: Path, choice: Finding, cache: Path | None, is_local: bool, environ: Mapping[str, str]
) -> list[Finding]:
    """Check the files of a project that do not depend on an environment."""
    return [choice, *check_dag_files(home), check_cache(cache, environ, is_local)]


def examine_airflow_settings(environ: Mapping[str, str]) -> list[Finding]:
    """Check the settings of the Airflow of this Python. `dagf up` and `dagf run` have settings of their own."""
    return [*check_settings(environ, find_spec("airflow") is not None)]


def examine_machine(environ: Mapping[str, str]) -> list[Finding]:
    """Check the tools of this machine."""
    return [*check_machine(environ)]


def examine_environments(subjects: Sequence[Subject], environ: Mapping[str, str]) -> list[Finding]:
    """Check the files of each environment, and what its pipelines need."""
    results: list[Finding] = []
    waiting: list[tuple[str, Group, Callable[[], list[Finding]]]] = []
    for one in subjects:
        tables = one.project.tables
        name = tables.environment
        compiled = compile_pipelines(one.project)
        results += check_files(name, tables.problems, compiled.broken, len(compiled.pipelines) + len(compiled.broken))
        needs = collect_needs(compiled.pipelines, one.cluster.namespace)
        waiting.append((name, "cluster", partial(_cluster, name, one.cluster, needs)))
        waiting.append((name, "airflow", partial(check_airflow, name, one.airflow, needs, tables.pools, environ)))
    found = run_all([function for _, _, function in waiting], _SECONDS)
    for (name, group, _), findings in zip(waiting, found, strict=True):
        results += (
            findings
            if findings is not None
            else [_unknown(name, group, f"the checks did not end within {_SECONDS} s", "run the command again")]
        )
    return results


def _cluster(name: str, access: ClusterAccess, needs: Needs) -> list[Finding]:
    if not access.unknown and find_spec("kubernetes") is None:
        text = "the Kubernetes client is not installed in this Python"
        access = ClusterAccess(unknown=text, fix=INSTALL_HINT)
    if access.unknown:
        return [_unknown(name, "cluster", access.unknown, access.fix)]
    from dag_factory.doctor.checks.cluster import check_cluster  # slow to import

    return check_cluster(name, access, needs)


def _unknown(name: str, group: Group, message: str, fix: str) -> Finding:
    return Finding(
        check=group, group=group, status="unknown", subject=group, message=message, fix=fix, environment=name
    )
