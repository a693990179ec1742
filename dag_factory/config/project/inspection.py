"""What the report sees of a project: every problem, and what becomes of the DAGs that have one.

It is a pass without DAGs: where nothing has changed since a loader's pass, only digests are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dag_factory.config.model import Pipeline
from dag_factory.config.outcomes import FileResult, PipelineResult
from dag_factory.config.problems import Problem
from dag_factory.config.project import conflicts, last_good, read_file
from dag_factory.config.project.cache import Cache, Reported
from dag_factory.config.source.layout import Listing

if TYPE_CHECKING:
    from dag_factory.config.project.project import Project


@dataclass(frozen=True)
class Inspection:
    """``names`` are those of the outcomes that are known, by the ids of their files."""

    project: Project
    kept: Cache
    listing: Listing
    names: Mapping[str, str]
    told: Reported

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem, sorted by place."""
        return self.told.problems

    def unproven(self, known: Collection[str]) -> Iterator[tuple[str, FileResult]]:
        """The outcomes of which nobody knows whether they can be built, with their names; ``known`` are the others."""
        for name in self.names.values():
            if name and name not in known:
                one = self.kept.outcome(name)
                if one is not None:
                    yield name, conflicts.without_clashes([one], set(self.listing.ids))[0]

    def standing(self, failed: Mapping[str, Problem]) -> tuple[list[Pipeline], list[str]]:
        """The last good versions that run in place of broken DAGs, and the ids of DAGs that there are not.

        ``failed`` are DAGs that could not be built, by their ids.
        """
        ids = set(self.listing.ids)
        good = last_good.without_clashes(self.kept.last_good(), ids)
        results: list[PipelineResult] = []
        for one in (*self._broken(), *last_good.unread(self.listing, good)):
            results += last_good.with_last_good(one, last_good.fallbacks(one, good), self.kept.outcome).results
        known = {*self.names.values()}
        for dag_id, problem in failed.items():
            last = good.get(dag_id)
            results.append(
                last_good.version(
                    dag_id, last if last and last.name not in known else None, self.kept.outcome, (problem,)
                )
            )
        held = [self.project.as_of_today(one.pipeline) for one in results if one.pipeline and one.pipeline.held]
        return held, [one.id for one in results if one.pipeline is None and one.problems]

    def _broken(self) -> Iterator[FileResult]:
        ids = set(self.listing.ids)
        for file_id in (one for one in self.told.broken if one in ids):
            text = read_file.read(self.project.home, file_id)
            yield conflicts.without_clashes([self.project.outcome(text, self.kept)[0]], ids)[0]
