"""What the report sees of a project: every problem, and what happens to the DAGs that have one.

An inspection is a pass without DAGs. If nothing changed since a loader's pass, it only compares digests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dag_factory.config.file_results import FileResult, PipelineResult
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem
from dag_factory.config.project import conflicts, last_good
from dag_factory.config.source.layout import Listing
from dag_factory.config.storage import read_file
from dag_factory.config.storage.cache import Cache
from dag_factory.config.storage.cache_entries import Reported

if TYPE_CHECKING:
    from dag_factory.config.project.project import Project


@dataclass(frozen=True)
class Inspection:
    """``keys`` has the cache keys of the known results, by the ids of their files."""

    project: Project
    cache: Cache
    listing: Listing
    keys: Mapping[FileId, str]
    reported: Reported

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem, sorted by position."""
        return self.reported.problems

    def not_yet_built(self, known: Collection[str]) -> Iterator[tuple[str, FileResult]]:
        """The results that no loader has built or failed to build, with their keys; ``known`` has all other keys."""
        for key in self.keys.values():
            if key and key not in known:
                found = self.cache.get(key)
                if found is not None:
                    yield key, conflicts.reject_duplicate_ids([found], set(self.listing.ids))[0]

    def running_last_good(self, failed: Mapping[DagId, Problem]) -> tuple[list[Pipeline], list[DagId]]:
        """The last good versions that run for broken DAGs, and the ids of broken DAGs without one.

        ``failed`` has the DAGs that could not be built, by id.
        """
        file_ids = set(self.listing.ids)
        known = last_good.without_duplicate_ids(self.cache.last_good(), file_ids)
        results: list[PipelineResult] = []
        for one in (*self._broken(), *last_good.unreadable_results(self.listing, known)):
            results += last_good.with_last_good(one, last_good.fallbacks(one, known), self.cache.get).results
        current = {*self.keys.values()}
        for dag_id, problem in failed.items():
            last = known.get(dag_id)
            older = last if last and last.name not in current else None
            results.append(last_good.restore(dag_id, older, self.cache.get, (problem,)))
        running = [
            self.project.apply_current_rules(one.pipeline)
            for one in results
            if one.pipeline and one.pipeline.current_errors
        ]
        return running, [one.id for one in results if one.pipeline is None and one.problems]

    def _broken(self) -> Iterator[FileResult]:
        file_ids = set(self.listing.ids)
        for file_id in (one for one in self.reported.broken if one in file_ids):
            text = read_file.read(self.project.home, file_id)
            yield conflicts.reject_duplicate_ids([self.project.file_result(text, self.cache)[0]], file_ids)[0]
