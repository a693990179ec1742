"""The versions that ``dagf doctor`` calls tested."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from dag_factory.doctor.checks.versions import TESTED, check_versions

LOCK = (Path(__file__).parents[2] / "requirements.lock").read_text()


def test_they_are_those_of_the_lock() -> None:
    for package, (tested, _) in TESTED.items():
        assert tested in re.findall(rf"^{package}==([^ ;\n]+)", LOCK, re.MULTILINE), package


def test_other_versions_are_not_called_tested() -> None:
    installed = {"apache-airflow": "3.4.0", "apache-airflow-providers-cncf-kubernetes": "10.99.0"}

    def find(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    found = {one.subject: one.status for one in check_versions(find)}
    assert found["apache-airflow"] == "failed"
    assert found["apache-airflow-providers-cncf-kubernetes"] == "warning"
    assert found["kubernetes"] == "unknown"
