"""A project: the folder that holds ``configs/``, seen from one environment.

The platform's tables are read once and only when something is not kept from before; pipelines are read one
by one, so that a worker that runs one task reads one file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dag_factory import settings
from dag_factory.config import outcomes
from dag_factory.config.budget import OutOfTime, within
from dag_factory.config.digest import digest
from dag_factory.config.model import Pipeline
from dag_factory.config.outcomes import FileResult
from dag_factory.config.problems import Problem, printable
from dag_factory.config.project import conflicts, pass_scheduler, passes, read_file
from dag_factory.config.project import last_good as lastgood
from dag_factory.config.project.cache import Cache, Reported, Summary
from dag_factory.config.project.inspection import Inspection
from dag_factory.config.project.passes import Compiled, Files, Pass
from dag_factory.config.project.read_file import Text
from dag_factory.config.project.shards import WHOLE, Shard
from dag_factory.config.project.unused_teams import unused
from dag_factory.config.source.layout import ENVIRONMENTS, PLATFORM, candidates, is_there, list_files
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.settings import BOUNDS

if TYPE_CHECKING:  # the compiler: a slow import, only paid for where something is not kept from before
    from dag_factory.config.platform.tables import Tables


T = TypeVar("T")
_PASSES = 3  # over files that change while they are read


class ProjectError(Exception):
    """There is nothing to compile: no ``configs/``, or no environment to compile for."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.message} ({problem.hint})" if problem.hint else problem.message)
        self.problems: tuple[Problem, ...] = (problem,)


@dataclass(frozen=True)
class Project:
    """A project in one environment, as it is when its files are first read.

    ``name`` is what it is called among those of which something is kept: wherever a checkout of it lies, the same.
    """

    platform: PlatformFiles
    environment: str
    name: str

    @property
    def home(self) -> Path:
        """The folder that holds ``configs/``."""
        return self.platform.home

    @cached_property
    def tables(self) -> Tables:
        """The platform's tables."""
        from dag_factory.config.platform.read_tables import read_tables, with_image_folders
        from dag_factory.config.platform.tables import Tables

        try:
            return with_image_folders(read_tables(self.platform, self.environment), self.platform)
        except Exception as failure:  # whatever it is, no pipeline is built on it, and each runs on as it was
            known, problems = self.platform.environments, (_failed(PLATFORM, failure),)
            return Tables(self.environment, known, problems=problems, broken=True)

    def kept(self, share: str = "") -> Cache:
        """What is kept of it between processes."""
        return Cache(self.name, self.environment, self.platform, share)

    def compile_all(self, share: Shard = WHOLE, seconds: float | None = None) -> Compiled:
        """Every pipeline of the environment, or one loader's share of them.

        A DAG whose file broke is there as it last was, where that is kept; so is one whose file is not kept, and for
        which no time is left of the ``seconds`` for what has to be compiled; see ``turns``. Each is taken as built.
        """
        found = self.begin_pass(share, seconds)
        found.keep()
        return found.compiled

    def begin_pass(self, share: Shard = WHOLE, seconds: float | None = None, work: int | None = None) -> Pass:
        """The same before anything is built; the DAGs have at most so many units of ``work`` together, see ``work``.

        What is built has to be kept.
        """
        return self._steadily(lambda project: project._begin_pass(share, seconds, work))

    def problems(self, seconds: float | None = None) -> tuple[Problem, ...]:
        """Every problem, sorted by place: those of ``compile_all``, for who needs nothing else of it."""
        return self.look(seconds).problems

    def look(self, seconds: float | None = None) -> Inspection:
        """What is wrong, for the report. Where a pass over the same files has found it, no outcome is read again."""
        return self._steadily(lambda project: project._look(seconds))

    def _steadily(self, work: Callable[[Project], T]) -> T:
        """What ``work`` makes of the project; once more with tables that were changed meanwhile.

        In the middle of a checkout pipelines of one commit would be held against tables of another.
        """
        project = self
        for _ in range(_PASSES - 1):
            result = work(project)
            if not (project.kept().is_usable and project.platform.have_changed()):
                return result
            project = Project(PlatformFiles(project.home), project.environment, project.name)
        return work(project)

    def _begin_pass(self, share: Shard, seconds: float | None, work: int | None) -> Pass:
        kept = self.kept(share.name)
        listing = list_files(self.home)
        texts = [read_file.read(self.home, file_id) for file_id in listing.ids if share.has(file_id)]
        taken = self._take(texts, kept, seconds)
        names = {found.id: name for found, name in taken.found}
        claimed = set(listing.ids)
        found = conflicts.without_clashes((one for one, _ in taken.found), claimed)
        found += map(lastgood.unknown, taken.postponed)
        last_good = {dag_id: one for dag_id, one in kept.last_good().items() if share.has(one.file)}
        good = lastgood.without_clashes(last_good, claimed)
        found += lastgood.unread(listing, good)
        held = []
        for one in found:
            if lastgood.is_broken(one):
                instead = lastgood.fallbacks(one, good)
                kept.keep_stood_in(names.get(one.id, ""), instead)
                one = lastgood.with_last_good(one, instead, kept.outcome)
            held.append(one)
        all_files = Files(share, kept, found, names, good, listing.complete)
        held, left_out = passes.within_budget(all_files, held, work)
        old = {text.id for text in taken.postponed}
        pipelines = tuple(
            self.as_of_today(result.pipeline) if result.pipeline.held or one.id in old else result.pipeline
            for one in held
            for result in one.results
            if result.pipeline
        )
        weight = sum(result.work for one in held for result in one.results if result.pipeline)
        listed = lastgood.reported(listing, kept)
        problems = self._told(found, listing.ids, listed)
        if share.count == 1 and not taken.postponed:
            kept.keep_problems(Reported(_state(texts, names.values(), listed), problems, _broken(found)))
        postponed = tuple(text.file for text in taken.postponed)
        compiled = Compiled(pipelines, problems, self.summary().pools, postponed, tuple(left_out.values()), weight)
        return Pass(compiled, all_files, left_out, self.as_of_today)

    def as_of_today(self, pipeline: Pipeline) -> Pipeline:
        """An old version under the rules that hold now."""
        from dag_factory.config.project import todays_rules

        return todays_rules.as_of_today(pipeline, self.tables)

    def _look(self, seconds: float | None) -> Inspection:
        kept = self.kept()
        listing = list_files(self.home)
        listed = lastgood.reported(listing, kept)
        texts = [read_file.read(self.home, file_id) for file_id in listing.ids]
        names = {text.id: kept.name(text) for text in texts}
        state = _state(texts, names.values(), listed)
        told = kept.problems(state)
        if told is None:
            taken = self._take(texts, kept, seconds)
            found = conflicts.without_clashes((one for one, _ in taken.found), set(listing.ids))
            told = Reported(state, self._told(found, listing.ids, listed), _broken(found))
            names = {one.id: names[one.id] for one in found}
            if not taken.postponed and all(name for _, name in taken.found):
                kept.keep_problems(told)
        return Inspection(self, kept, listing, names, told)

    def _take(self, texts: list[Text], kept: Cache, seconds: float | None) -> pass_scheduler.Taken:
        return pass_scheduler.take(texts, kept, partial(self._known, kept), partial(self._compiled, kept), seconds)

    def _told(
        self, found: Sequence[FileResult], ids: Collection[str], listed: Iterable[Problem]
    ) -> tuple[Problem, ...]:
        summary = self.summary()
        return _sorted(found, (*summary.problems, *listed, *unused(summary.teams, ids)))

    def compile_one(self, dag_id: str) -> Compiled:
        """One pipeline to be run, by the id of its DAG; nothing where there is no such file.

        Looks at two files at most: the pipeline's own, and the one that it could be an instance of.
        """
        kept = self.kept()
        for file_id in candidates(dag_id):
            if is_there(self.home, file_id):
                found, name = self.outcome(read_file.read(self.home, file_id), kept, dag_id)
                if lastgood.is_broken(found):
                    instead = kept.stood_in(name) or lastgood.fallbacks(found, kept.last_good())
                    found = lastgood.with_last_good(found, instead, kept.outcome)
                else:
                    found = passes.before_waiting(found, name, kept, dag_id)
                if any(result.id == dag_id for result in found.results):
                    found = lastgood.only(found, dag_id)
                    pipelines = (result.pipeline for result in found.results if result.pipeline)
                    now = tuple(self.as_of_today(one) if one.held else one for one in pipelines)
                    return Compiled(now, _sorted([found], ()), {})
        return Compiled((), (), {})

    def instead(self, dag_id: str, problem: Problem) -> Pipeline | None:
        """The last good version of a DAG that cannot be built to be run, if there is one."""
        kept = self.kept()
        for file_id in candidates(dag_id):
            if is_there(self.home, file_id):
                name = kept.name(read_file.read(self.home, file_id))
                good = (kept.stood_in(name) or kept.last_good()).get(dag_id)
                if good is None or good.name == name:
                    return None
                found = lastgood.version(dag_id, good, kept.outcome, (problem,)).pipeline
                return self.as_of_today(found) if found else None
        return None

    def outcome(self, text: Text, kept: Cache, dag_id: str | None = None) -> tuple[FileResult, str]:
        """What comes of one file, and the name under which that is kept (none: it is not).

        Of a family, only ``dag_id`` is compiled where nothing is kept.
        """
        found, name = self._known(kept, text)
        return (found, name) if found else self._compiled(kept, text, name, dag_id=dag_id)

    def _known(self, kept: Cache, text: Text) -> tuple[FileResult | None, str]:
        """The same where it needs no compiling."""
        if isinstance(text.data, Problem):
            return outcomes.unreadable(text.id, text.file, text.data), ""
        name = kept.name(text)
        return kept.outcome(name), name

    def _compiled(
        self, kept: Cache, text: Text, name: str, seconds: float = BOUNDS.file_seconds, dag_id: str | None = None
    ) -> tuple[FileResult, str]:
        """The same where it does. Raises ``OutOfTime`` after ``seconds`` that are fewer than a file's."""
        from dag_factory.config.pipelines import compile_file

        tables = self.tables  # first: the time that they take is not the file's
        try:
            arguments = (text.id, text.file, text.data, tables, dag_id)
            found = within(seconds, lambda: compile_file.compile_file(*arguments))
        except OutOfTime:
            if seconds < BOUNDS.file_seconds:
                raise
            # The verdict is never cached, since it says more of the machine than of the file.
            kept.keep_slow(name, stopped=True)
            return outcomes.unreadable(text.id, text.file, too_slow(text.file, "compiled")), ""
        except Exception as failure:  # whatever it is, it costs this file only
            return outcomes.unreadable(text.id, text.file, _failed(text.file, failure)), ""
        if dag_id is None:
            kept.keep(name, found)
        return found, name

    def summary(self) -> Summary:
        """What a whole project needs of its tables: the pools, and what is wrong with tables and templates."""
        kept = self.kept()
        found = kept.summary()
        if found is not None:
            return found
        from dag_factory.config.platform import teams

        own = (problem for template in self.tables.catalog.own() for problem in template.problems)
        places = teams.name_positions(self.tables.documents.get(teams.FILE))
        summary = Summary(self.tables.pools, (*self.tables.problems, *own), places)
        kept.keep_summary(summary)
        return summary


def _failed(file: str, failure: Exception) -> Problem:
    """A fault of ours: something in the file that nobody has thought of."""
    message = printable(f"could not be compiled: {type(failure).__name__}: {failure}"[:300])
    hint = "this is a fault of the compiler: please report it; what the file said last can help to find the place"
    return Problem(file, 0, 0, "compiler-failed", message, hint=hint)


def too_slow(file: str, what: str) -> Problem:
    """The problem of a file whose work was given up; ``what`` says what could not be done with it."""
    message = f"was not {what} after {BOUNDS.file_seconds:g} seconds of processor time, which no count foresaw"
    hint = "divide the file, and report it: a limit that counts should have found it first"
    return Problem(file, 0, 0, "too-slow", message, hint=hint)


def _state(texts: Iterable[Text], names: Iterable[str], listed: Iterable[Problem]) -> str:
    """A name for everything that a project's problems follow from; none where a file cannot be read."""
    readable = all(isinstance(text.data, bytes) for text in texts)
    parts = (*names, *map(repr, listed))
    return digest(*(part.encode() for part in parts)) if readable else ""


def _broken(found: Iterable[FileResult]) -> tuple[str, ...]:
    return tuple(one.id for one in found if lastgood.is_broken(one))


def _sorted(found: Sequence[FileResult], others: Iterable[Problem]) -> tuple[Problem, ...]:
    """Every problem once, by place."""
    return tuple(sorted(conflicts.problems(found).union(others)))


def open_project(home: Path | None = None, environment: str | None = None, name: str = "") -> Project:
    """The project in ``home`` for ``environment``; both default to the process's settings, ``name`` to the home.

    Raises ``ProjectError`` where there is no project, or where no environment can be told.
    """
    home = (home or settings.home() or Path.cwd()).absolute()
    return chosen(platform_of(home), environment or settings.environment(), name or str(home))


def platform_of(home: Path) -> PlatformFiles:
    """The platform's files of the project in ``home``. Raises ``ProjectError`` where it has no environment."""
    if not (home / "configs").is_dir():
        hint = "set DAG_FACTORY_HOME to the folder that holds configs/, or run inside it"
        raise ProjectError(Problem("configs", 0, 0, "no-project", f"no configs/ folder in {home}", hint=hint))
    platform = PlatformFiles(home)
    if not platform.environments:
        hint = f"create {ENVIRONMENTS}/local.yaml; it begins with `version: 1`"
        raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "no-environment", "the project has no environment", hint=hint))
    return platform


def chosen(platform: PlatformFiles, environment: str | None, name: str) -> Project:
    """The project in one environment, in the only one where none is said. Raises ``ProjectError`` as above."""
    names = platform.environments
    if environment is None:
        if len(names) != 1:
            message = "several environments, and none is chosen"
            hint = f"set DAG_FACTORY_ENV to one of: {', '.join(names)}"
            raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "no-environment", message, hint=hint))
        environment = names[0]
    if environment not in names:
        message, hint = f"unknown environment `{environment}`", did_you_mean(environment, names)
        raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "unknown-environment", message, hint=hint))
    return Project(platform, environment, name)
