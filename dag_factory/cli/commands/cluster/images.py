"""``dagf cluster images``: print which folder each image runs from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from dag_factory import settings
from dag_factory.cli import terminal
from dag_factory.cli.find_home import find_home
from dag_factory.cluster.config import ImageSource
from dag_factory.config import ProjectError, open_project
from dag_factory.local.image_source import LOCAL, image_source


def images(home: Path | None, environment: str | None, folders: Mapping[str, Path]) -> int:
    """Print the project's table, overridden by ``folders``, as JSON."""
    found = project_images(home, environment) | {**folders}
    terminal.write(json.dumps({pattern: str(folder.absolute()) for pattern, folder in found.items()}, indent=2))
    return 0


def project_images(home: Path | None = None, environment: str | None = None) -> dict[str, Path]:
    """Return the folders that the project's environment gives to images; nothing without a project.

    Raises ``ProjectError`` if an ``environment`` is given and unknown.
    """
    try:
        project = open_project(find_home(home), environment or settings.environment() or LOCAL)
    except ProjectError:
        if environment:
            raise
        return {}
    return {pattern: project.home / folder for pattern, folder in project.tables.images.items()}


def project_service_accounts() -> tuple[str, ...]:
    """Return the service accounts that the project's environment names; none without a project."""
    try:
        return open_project(find_home(), settings.environment() or LOCAL).tables.service_accounts
    except ProjectError:
        return ()


def project_image_source(folders: Mapping[str, Path]) -> ImageSource | None:
    """Return how a running cluster reads the project's table again; None without a project."""
    options = tuple(f"{pattern}={folder.absolute()}" for pattern, folder in folders.items())
    try:
        return image_source(find_home(), settings.environment() or LOCAL, options)
    except ProjectError:
        return None
