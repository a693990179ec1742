"""``dagf doctor``: look at the installation, the project, its clusters and Airflow, and say what would fail."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dag_factory import settings
from dag_factory.cli import terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config import ProjectError
from dag_factory.config.project.open_project import find_platform, select_environment
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.config.suggestions import did_you_mean
from dag_factory.doctor import examine
from dag_factory.doctor.checks.airflow_objects import AirflowAccess
from dag_factory.doctor.checks.airflow_settings import has_secrets_backend
from dag_factory.doctor.checks.environment import check_choice
from dag_factory.doctor.cluster_access import DEFAULT_CONNECTION, ClusterAccess, find_access
from dag_factory.doctor.examine import Subject
from dag_factory.doctor.finding import Diagnosis, Finding, Status
from dag_factory.doctor.json_document import as_json
from dag_factory.doctor.text import as_text

_LOCAL = "local"
_COLORS: dict[Status, str] = {"ok": "green", "warning": "yellow", "failed": "red", "unknown": "cyan"}


@dataclass(frozen=True)
class Options:
    """The options of ``dagf doctor``. ``environment`` is a name, ``all``, or None."""

    home: Path | None = None
    environment: str | None = None
    kubeconfig: Path | None = None
    context: str | None = None
    airflow: str | None = None
    as_json: bool = False


def doctor(options: Options) -> int:
    """Print what the checks found. Returns 1 if one failed."""
    findings = examine.examine_installation()
    names: tuple[str, ...] = ()
    try:
        home = find_home(options.home)
        known = find_platform(home).environments
    except ProjectError as failure:
        if options.home is not None or options.environment is not None:
            raise
        findings.append(_no_project(failure))
    else:
        names = _choose(options, known)
        findings += _examine_project(options, home, names, known)
    findings += examine.examine_machine(os.environ)
    diagnosis = Diagnosis(names, tuple(findings))
    if options.as_json:
        terminal.write(as_json(diagnosis))
    else:
        terminal.write(as_text(diagnosis, lambda text, status: terminal.style(text, fg=_COLORS[status])))
    return 1 if diagnosis.has_failed else 0


def _examine_project(options: Options, home: Path, names: tuple[str, ...], known: tuple[str, ...]) -> list[Finding]:
    platform = find_platform(home)
    projects = [select_environment(platform, name, str(home)) for name in names]
    is_local = bool(projects) and all(_is_local(project) for project in projects)
    choice = check_choice(options.environment, settings.environment(), known)
    found = examine.examine_project(home, choice, settings.cache_folder(), is_local, os.environ)
    if not is_local:
        found += examine.examine_airflow_settings(os.environ)
    subjects = [_subject(options, project, len(names) == 1) for project in projects]
    return found + examine.examine_environments(subjects, os.environ)


def _choose(options: Options, known: tuple[str, ...]) -> tuple[str, ...]:
    """The environments to examine: by option or variable; else the only one, or `local`, or all."""
    if options.environment == "all":
        if options.kubeconfig or options.context or options.airflow:
            raise CouldNotRun(
                "--env all has a cluster and an Airflow for each environment; leave out --kubeconfig, --context and "
                "--airflow, or name one environment"
            )
        return known
    if options.environment is not None:
        if options.environment not in known:
            raise CouldNotRun(
                f"unknown environment `{options.environment}`; {did_you_mean(options.environment, known)}"
            )
        return (options.environment,)
    chosen = settings.environment()
    if chosen is not None:
        return (chosen,) if chosen in known else ()
    return (_LOCAL,) if _LOCAL in known else known


def _is_local(project: Project) -> bool:
    tables = project.tables
    document = tables.documents.get(f"{ENVIRONMENTS}/{tables.environment}.yaml")
    return (
        bool(tables.images) or tables.environment == _LOCAL or bool(document and document.map("cluster").get("local"))
    )


def _subject(options: Options, project: Project, is_only: bool) -> Subject:
    tables = project.tables
    named = options.kubeconfig is not None or options.context is not None
    local = None if named or not _is_local(project) else _local_cluster(project)
    access = find_access(
        tables.environment,
        tables.cluster,
        os.environ,
        kubeconfig=options.kubeconfig,
        context=options.context,
        local=local,
    )
    return Subject(project, access, _airflow(options, project, is_only))


def _local_cluster(project: Project) -> ClusterAccess:
    """The local cluster of `dagf up` or of `dagf run`, if one runs."""
    from dag_factory import cluster

    for name, command in (("up", "dagf up"), ("run", "dagf run")):
        folder = project.home / ".dagf" / name / "cluster"
        if cluster.is_running(folder):
            return ClusterAccess(source=f"the local cluster of `{command}`", kubeconfig=folder / "kubeconfig")
    return ClusterAccess(
        unknown="the local cluster does not run now; `dagf run` starts one by itself",
        fix="start it to check what is in it: dagf up",
    )


def _airflow(options: Options, project: Project, is_only: bool) -> AirflowAccess:
    tables = project.tables
    url, token = options.airflow or settings.airflow_url(), settings.airflow_token()
    has_backend = has_secrets_backend(os.environ)
    if url and is_only:
        return AirflowAccess(url=url, token=token, has_backend=has_backend)
    if _is_local(project):
        if running := _running_airflow(project):
            given = frozenset({tables.cluster.kubernetes_conn_id or DEFAULT_CONNECTION})
            return AirflowAccess(url=running, given=given)
        return AirflowAccess(
            unknown="does not run now on this machine; `dagf run` starts one by itself",
            fix="start it to check its pools and connections: dagf up",
        )
    return AirflowAccess(
        unknown="nobody said where the Airflow of this environment is",
        fix=f"run: dagf doctor --env {tables.environment} --airflow URL, with a token in DAG_FACTORY_AIRFLOW_TOKEN",
    )


def _running_airflow(project: Project) -> str | None:
    if not (project.home / ".dagf/up/airflow.json").exists():  # it was never started; the next import is slow
        return None
    try:
        from dag_factory.local.stack import Stack
    except ImportError:  # the packages of the local Airflow are not installed
        return None
    running = Stack(project.home, "up", project.tables).instance.running()
    return running.url if running else None


def _no_project(failure: ProjectError) -> Finding:
    problem = failure.problems[0]
    return Finding(
        check="project",
        group="project",
        status="unknown",
        subject="project",
        message=f"{problem.message}; the checks of pipelines, clusters and Airflow were left out",
        fix=problem.hint,
    )
