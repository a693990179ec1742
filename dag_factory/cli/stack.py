"""Open the stack of a project: the local cluster and an Airflow."""

from __future__ import annotations

from pathlib import Path

from dag_factory import settings
from dag_factory.cli.find_home import find_home
from dag_factory.config import open_project
from dag_factory.local.image_source import LOCAL
from dag_factory.local.stack import Stack

__all__ = ["Stack", "open_stack"]


def open_stack(name: str, home: Path | None = None) -> Stack:
    """Return the stack of the project. Raises ``ProjectError`` if there is no project or no such environment."""
    project = open_project(find_home(home), settings.environment() or LOCAL)
    return Stack(project.home, name, project.tables)
