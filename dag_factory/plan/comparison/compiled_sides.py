"""One side of a comparison: a project in one environment, compiled without the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from dag_factory.config.file_results import FileResult
from dag_factory.config.ids import FileId
from dag_factory.config.problems import Problem
from dag_factory.config.project.open_project import select_environment
from dag_factory.config.project.project import Project
from dag_factory.config.project.unused_teams import check_unused_teams
from dag_factory.config.source import image_folders
from dag_factory.config.source.layout import list_files
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.storage import read_file
from dag_factory.config.storage.read_file import Text


class Home(msgspec.Struct, frozen=True):
    """The files of one revision. ``platform`` is None if it has no ``configs/``."""

    path: Path
    platform: PlatformFiles | None
    files: frozenset[FileId]
    problems: tuple[Problem, ...]

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments that the revision has, sorted."""
        return self.platform.environments if self.platform else ()

    def project(self, environment: str) -> Project | None:
        """The project in an environment, without the cache; None if this revision does not have the environment."""
        if self.platform is None or environment not in self.environments:
            return None
        return replace(select_environment(self.platform, environment, str(self.path)), has_cache=False)

    def read(self, file_id: FileId) -> Text | None:
        """A pipeline's file; None if this revision does not have it."""
        return read_file.read(self.path, file_id) if file_id in self.files else None


class Pair(msgspec.Struct, frozen=True):
    """A project before and after in one environment. ``name`` is what a reader calls it."""

    name: str
    before: Project | None
    after: Project | None

    @property
    def has_same_tables(self) -> bool:
        """Whether a file with the same bytes has the same result on both sides."""
        before, after = self.before, self.after
        if before is None or after is None or before.environment != after.environment:
            return False
        if before is after:
            return True
        is_local = before.environment == image_folders.ENVIRONMENT
        has_same_images = not is_local or before.platform.image_folders == after.platform.image_folders
        return has_same_images and before.platform == after.platform


def read_home(path: Path) -> Home:
    """The files of one revision in a folder."""
    if not (path / "configs").is_dir():
        return Home(path, None, frozenset(), ())
    ids, problems, *_ = list_files(path)
    return Home(path, PlatformFiles(path), frozenset(ids), tuple(problems))


def make_pair(name: str, before: Home, after: Home, environment: str) -> Pair:
    """Both revisions in one environment. They share the tables if these are equal, so that they are read once."""
    pair = Pair(name, before.project(environment), after.project(environment))
    return Pair(name, pair.after, pair.after) if pair.has_same_tables else pair


def table_problems(home: Home, project: Project | None) -> tuple[Problem, ...]:
    """The problems of the tables and templates, and of the names of files."""
    if project is None:
        return ()
    summary = project.summary()
    return (*home.problems, *summary.problems, *check_unused_teams(summary.teams, home.files))


def compile_text(project: Project | None, text: Text | None) -> FileResult | None:
    """The result of a file; None if this side does not have it."""
    return None if project is None or text is None else project.file_result(text, project.cache())[0]
