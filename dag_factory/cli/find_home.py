"""Which project a command works on."""

from __future__ import annotations

from pathlib import Path

from dag_factory import settings
from dag_factory.config import Problem, ProjectError


def find_home(home: Path | None = None, start: Path | None = None) -> Path:
    """Return the project's folder: ``home``, else ``DAG_FACTORY_HOME``, else the nearest one with ``configs/``.

    The search begins at ``start``, by default the working directory, and goes upward. Raises ``ProjectError`` if it
    finds nothing.
    """
    given = home or settings.home()
    if given:
        return given.absolute()
    start = start or Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "configs").is_dir():
            return folder
    hint = "run the command inside a project, name its folder with --home, or write a new one: dagf init"
    raise ProjectError(Problem("configs", 0, 0, "no-project", f"no configs/ folder in {start} or above", hint=hint))
