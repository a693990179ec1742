"""Versions of Python, Airflow and the packages that matter, and whether they are tested together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version

from dag_factory.doctor.finding import Finding, short
from dag_factory.settings import INSTALL_HINT

PYTHONS = ((3, 10), (3, 13))
TESTED = {
    "apache-airflow": ("3.3.2", (3, 3)),
    "apache-airflow-providers-cncf-kubernetes": ("10.25.0", (10,)),
    "kubernetes": ("36.0.3", (35, 36)),
}
"""The version that the tests of this release use, and the begin of the versions that it allows.

For `kubernetes`, the allowed major versions.
"""
PLUGIN = "dag_factory.build.plugin:DagFactoryPlugin"


def check_versions(find: Callable[[str], str] = version) -> Iterator[Finding]:
    """Check the versions that are installed in this Python."""
    yield _python(sys.version_info[:3])
    yield Finding(
        check="dagwright-version",
        group="installation",
        status="ok",
        subject="dagwright",
        message=short(_version("dagwright", find) or "from a folder, not installed"),
    )
    for package in TESTED:
        yield _package(package, _version(package, find))


def check_plugin() -> Finding:
    """Check that Airflow finds the plugin of this installation."""
    found = [one.value for one in entry_points(group="airflow.plugins") if one.value.startswith("dag_factory.")]
    if PLUGIN in found:
        return Finding(
            check="plugin",
            group="installation",
            status="ok",
            subject="Airflow's plugin",
            message="installed; the scheduler creates pools with it, and the UI has the pages Why? and Pipelines",
        )
    return Finding(
        check="plugin",
        group="installation",
        status="failed",
        subject="Airflow's plugin",
        message="not installed: Airflow does not create pools, and its UI has no page Why?",
        fix=f"install dagwright again as a package; {INSTALL_HINT}",
    )


def _python(found: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, found))
    first, last = (".".join(map(str, one)) for one in PYTHONS)
    if PYTHONS[0] <= found[:2] <= PYTHONS[1]:
        return Finding(check="python-version", group="installation", status="ok", subject="Python", message=text)
    return Finding(
        check="python-version",
        group="installation",
        status="failed" if found[:2] < PYTHONS[0] else "warning",
        subject="Python",
        message=f"{text} is not tested with this release",
        fix=f"use Python {first} to {last}",
    )


def _package(name: str, found: str | None) -> Finding:
    tested, allowed = TESTED[name]
    if found is None:
        return Finding(
            check="airflow-version",
            group="installation",
            status="unknown",
            subject=name,
            message="not installed in this Python; `dagf check` does not need it, Airflow's processes do",
            fix=f"to check Airflow's Python, run `dagf doctor` there; for runs on this machine, {INSTALL_HINT}",
        )
    numbers = _numbers(found)
    fits = numbers[0] in allowed if name == "kubernetes" else numbers[: len(allowed)] == allowed
    if not fits:
        return Finding(
            check="airflow-version",
            group="installation",
            status="failed",
            subject=name,
            message=f"{short(found)} is not supported by this release",
            fix=f"install {name} {tested}, which is tested",
        )
    if numbers[:2] == _numbers(tested)[:2]:
        return Finding(
            check="airflow-version",
            group="installation",
            status="ok",
            subject=name,
            message=f"{short(found)}, tested" if found == tested else f"{short(found)}; {tested} is tested",
        )
    return Finding(
        check="airflow-version",
        group="installation",
        status="warning",
        subject=name,
        message=f"{short(found)} is allowed, but not tested; {tested} is tested",
        fix=f"install {name} {tested}, or test your pipelines with {short(found)}",
    )


def _version(name: str, find: Callable[[str], str]) -> str | None:
    try:
        return find(name)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    found = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        found.append(int(digits))
    return tuple(found) or (0,)
