"""The files that Airflow parses: the loader of the DAGs, and the report of the problems."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from dag_factory.doctor.finding import Finding

_LOADER, _REPORT = "dag_factory.build.loader", "dag_factory.build.report"
_OPERATOR = "airflow.providers.cncf.kubernetes.operators.pod"
_MOST_FILES = 500
_MOST_BYTES = 200_000


def check_dag_files(home: Path) -> Iterator[Finding]:
    """Check `dags/` of a project."""
    found = dict(_imports(home / "dags"))
    loaders = [name for name, modules in found.items() if _LOADER in modules]
    reports = [name for name, modules in found.items() if _REPORT in modules]
    if not loaders:
        yield Finding(
            check="loader",
            group="project",
            status="failed",
            subject="dags/loader.py",
            message="no file in dags/ imports `load` of dag_factory.build.loader, so Airflow gets no DAGs",
            fix="run `dagf init` in the project; it writes the missing file and changes no other",
        )
    for name in loaders:
        yield _loader(name, found[name])
    if reports:
        yield Finding(
            check="report",
            group="project",
            status="ok",
            subject=f"dags/{reports[0]}",
            message="shows the errors of pipelines in Airflow's Import Errors",
        )
    else:
        yield Finding(
            check="report",
            group="project",
            status="failed",
            subject="dags/import_errors.py",
            message="no file in dags/ calls dag_factory.build.report, so Airflow shows no errors of pipelines",
            fix="run `dagf init` in the project; it writes the missing file and changes no other",
        )


def _loader(name: str, modules: frozenset[str]) -> Finding:
    if _OPERATOR in modules:
        return Finding(
            check="loader",
            group="project",
            status="ok",
            subject=f"dags/{name}",
            message="defines the DAGs, as the loader of this release does",
        )
    return Finding(
        check="loader",
        group="project",
        status="warning",
        subject=f"dags/{name}",
        message="does not import KubernetesPodOperator at the top level, so each parse takes seconds longer",
        fix="add the import as docs/guide-platform.md shows it, or delete the file and run `dagf init`",
    )


def _imports(folder: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """The modules that each Python file imports at its top level."""
    try:
        files = sorted(folder.rglob("*.py"))[:_MOST_FILES]
    except OSError:
        return
    for file in files:
        try:
            if file.stat().st_size > _MOST_BYTES:
                continue
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        names = {one.module or "" for one in tree.body if isinstance(one, ast.ImportFrom)}
        names |= {alias.name for one in tree.body if isinstance(one, ast.Import) for alias in one.names}
        yield file.relative_to(folder).as_posix(), frozenset(names)
