"""What a change does: the result of ``dagf plan``, which the terminal, a comment in a pull request and an editor show.

Values are those of JSON. ``ABSENT`` stands for a value that a side does not have.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dag_factory.config.ids import DagId
from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem


class Revision(msgspec.Struct, frozen=True):
    """One side of the comparison: its commit, and what a reader calls it.

    ``dirty``: it is the files on disk, and they differ from ``commit``. For an environment, ``commit`` is empty.
    """

    name: str
    commit: str = ""
    dirty: bool = False


class NotAnalyzed(msgspec.Struct, frozen=True, order=True):
    """A file that the plan could not read, such as a submodule or a pointer of Git LFS."""

    file: str
    reason: str


class Comparison(msgspec.Struct, frozen=True):
    """One DAG in one environment, before and after. None on a side: it does not exist there, or has errors there.

    ``file`` is the file that defines it after the change, or before it if the DAG is removed. ``problems`` are the
    errors of the file after the change; with errors and ``before``, the last good version keeps running.
    """

    environment: str
    id: DagId
    file: str
    before: Pipeline | None
    after: Pipeline | None
    problems_before: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    renamed_from: DagId | None = None


class FieldChange(msgspec.Struct, frozen=True):
    """One value that differs.

    ``path`` is a path in the pod, which starts with ``spec`` or ``metadata``, or else a key of the language such as
    ``schedule`` or ``retries.count``.
    """

    path: str
    before: Any
    after: Any


class Absent(msgspec.Struct, frozen=True):
    """The value of a side that has none."""

    def __reduce__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


class JobChange(msgspec.Struct, frozen=True):
    """One job that was added, removed or changed."""

    job: str
    kind: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...] = ()


class DagChange(msgspec.Struct, frozen=True):
    """What changes in one DAG in one environment.

    ``documentation``: a new version of the DAG without any effect. ``broken``: the file has errors now. ``repaired``:
    it had them before. Edges are pairs of jobs, upstream first. ``is_new``: there is no DAG of this id before the
    change, so nothing keeps running if it is broken. ``cause`` is that of a DAG that was added, removed or renamed.
    """

    environment: str
    id: DagId
    file: str
    kind: Literal["added", "removed", "changed", "renamed", "documentation", "broken", "repaired"]
    renamed_from: DagId | None = None
    fields: tuple[FieldChange, ...] = ()
    jobs: tuple[JobChange, ...] = ()
    edges_added: tuple[tuple[str, str], ...] = ()
    edges_removed: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    is_new: bool = False
    cause: Cause | None = None


class Cause(msgspec.Struct, frozen=True, order=True):
    """The place whose edit caused a change; ``side`` tells in which revision the line is.

    Without a line, it is a whole file that only this side has.
    """

    file: str
    line: int
    column: int
    layer: str
    side: Literal["before", "after"] = "after"


class Place(msgspec.Struct, frozen=True, order=True):
    """Where an effect appears. ``job`` is empty for an effect on the DAG itself."""

    environment: str
    dag_id: DagId
    job: str = ""


class Effect(msgspec.Struct, frozen=True):
    """Equal changes with one cause, and every place that has them: ``cpu-small memory 2Gi -> 4Gi: 212 jobs``."""

    fields: tuple[FieldChange, ...]
    cause: Cause | None
    places: tuple[Place, ...]


class Risk(msgspec.Struct, frozen=True):
    """Something that a reviewer must not miss. ``kind`` is a stable name in kebab case, for ``--fail-on``.

    ``runs`` is the most runs for the past that it starts, in each DAG.
    """

    kind: str
    sentence: str
    places: tuple[Place, ...]
    cause: Cause | None = None
    runs: int = 0


class EnvironmentCost(msgspec.Struct, frozen=True):
    """The cost of one environment before and after, in the unit of the flavors' ``cost_per_hour``.

    ``hourly``: the sum of the prices of the changed jobs, one hour of each. ``monthly``: the estimate for 30 days, None
    without statistics. ``not_estimable`` counts jobs by reason. ``jobs`` is the number of changed jobs.
    """

    environment: str
    hourly: tuple[float, float]
    monthly: tuple[float, float] | None = None
    not_estimable: dict[str, int] = {}
    jobs: int = 0


class ChangedLine(msgspec.Struct, frozen=True):
    """The text of a line that is a cause, before and after; None on a side that has no such line."""

    cause: Cause
    before: str | None
    after: str | None


class PoolChange(msgspec.Struct, frozen=True):
    """A pool with another number of slots; None: the pool does not exist on that side."""

    pool: str
    before: int | None
    after: int | None
    environments: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """The whole plan. ``files`` counts the pipeline files and tables of both sides, also those that were not analyzed.

    ``environments`` are in the order in which a reviewer reads them: those that run by schedule first, that of the
    local machine last. ``today`` is the ISO date from which runs are counted. ``changed_files`` are those with other
    bytes. ``still_broken`` are the DAGs of changed files that had errors before and still have them.
    """

    base: Revision
    head: Revision
    environments: tuple[str, ...]
    files: int
    not_analyzed: tuple[NotAnalyzed, ...]
    changes: tuple[DagChange, ...]
    effects: tuple[Effect, ...]
    risks: tuple[Risk, ...]
    costs: tuple[EnvironmentCost, ...]
    new_problems: tuple[Problem, ...]
    solved_problems: tuple[Problem, ...]
    unchanged_problems: int
    version: str
    changed_files: tuple[str, ...] = ()
    still_broken: tuple[Place, ...] = ()
    pools: tuple[PoolChange, ...] = ()
    today: str = ""
    lines: tuple[ChangedLine, ...] = ()
