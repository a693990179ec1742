"""How a command finds its project."""

from __future__ import annotations

from pathlib import Path

import pytest

from dag_factory.cli.find_home import find_home
from dag_factory.config import ProjectError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    (tmp_path / "project/configs/pipelines").mkdir(parents=True)
    return tmp_path / "project"


def test_the_argument_overrides_the_variable(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_HOME", str(tmp_path / "other"))
    assert find_home(home) == home
    assert find_home() == tmp_path / "other"


def test_the_search_begins_at_a_path_and_goes_upward(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_home(start=home / "configs/pipelines") == home
    monkeypatch.chdir(home / "configs")
    assert find_home() == home


def test_without_a_project_the_error_names_the_option(home: Path) -> None:
    with pytest.raises(ProjectError, match="--home"):
        find_home(start=home.parent)
