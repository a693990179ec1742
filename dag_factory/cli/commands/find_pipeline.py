"""Find the pipeline that a command names, in the environments that it looks at."""

from __future__ import annotations

from collections.abc import Sequence

from dag_factory.cli.errors import CouldNotRun
from dag_factory.config.project.project import Project
from dag_factory.config.suggestions import did_you_mean
from dag_factory.overview.compiled import One, compile_pipeline, pipeline_ids


def find_pipeline(projects: Sequence[Project], name: str) -> list[tuple[str, One]]:
    """Return the pipeline in each environment that has it, with or without errors. Raises ``CouldNotRun`` if none."""
    found = [(project.environment, compile_pipeline(project, name)) for project in projects]
    existing = [(environment, one) for environment, one in found if one.exists]
    if not existing:
        raise unknown_pipeline(projects, name)
    return existing


def unknown_pipeline(projects: Sequence[Project], name: str) -> CouldNotRun:
    """Return the error for a pipeline that none of the environments has."""
    known = {one for project in projects for one in pipeline_ids(project)}
    where = f" in {projects[0].environment}" if len(projects) == 1 else ""
    hint = did_you_mean(name, known) or "the project has no pipelines"
    return CouldNotRun(f"unknown pipeline `{name}`{where}; {hint}")
