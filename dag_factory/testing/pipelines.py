"""Compiled pipelines with assertions, for tests. A failed assertion says what is expected, what is there, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dag_factory.config.ids import DagId
from dag_factory.config.model import Fragment, Job, Pipeline
from dag_factory.config.pipelines.written_schedule import written_schedule
from dag_factory.config.pod.operator_pod import operator_pod
from dag_factory.config.project.project import Project
from dag_factory.config.suggestions import did_you_mean
from dag_factory.explain.field_paths import leaves, parse_path
from dag_factory.overview.compiled import compile_pipeline, open_environments, pipeline_ids
from dag_factory.overview.manifests import manifests
from dag_factory.overview.rendered import render
from dag_factory.plan.runs import next_runs

_ABSENT = object()


class BrokenPipeline(AssertionError):
    """The pipeline has errors in this environment. The text has all of them."""


class TestedProject:
    """A project, for tests. Each pipeline is compiled once."""

    __test__ = False

    def __init__(self, home: Path) -> None:
        self.home = home
        self._projects = {one.environment: one for one in _all_environments(home)}
        self._pipelines: dict[str, TestedPipelines] = {}

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of all environments."""
        return tuple(self._projects)

    def pipelines(self, environment: str) -> TestedPipelines:
        """Return the pipelines of an environment."""
        if environment not in self._projects:
            raise AssertionError(f"unknown environment `{environment}`; {did_you_mean(environment, self._projects)}")
        if environment not in self._pipelines:
            self._pipelines[environment] = TestedPipelines(self._projects[environment])
        return self._pipelines[environment]


class TestedPipelines(Mapping[str, "TestedPipeline"]):
    """The pipelines of one environment by id. A pipeline is compiled when a test asks for it."""

    __test__ = False

    def __init__(self, project: Project) -> None:
        self.project = project
        self.environment = project.environment
        self._ids: tuple[DagId, ...] | None = None
        self._found: dict[str, TestedPipeline] = {}

    def __getitem__(self, name: str) -> TestedPipeline:
        """Return a pipeline. Raises ``BrokenPipeline`` if it has errors, ``KeyError`` if there is none."""
        if name not in self._found:
            one = compile_pipeline(self.project, name)
            if not one.exists:
                hint = did_you_mean(name, self._all()) or "the environment has no pipelines"
                raise KeyError(f"unknown pipeline `{name}` in {self.environment}; {hint}")
            if one.pipeline is None:
                lines = [f"{problem.location}: {problem.code}: {problem.message}" for problem in one.problems]
                raise BrokenPipeline("\n".join([f"`{name}` has errors in {self.environment}:", *lines]))
            self._found[name] = TestedPipeline(one.pipeline)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> tuple[DagId, ...]:
        if self._ids is None:
            self._ids = pipeline_ids(self.project)
        return self._ids


class TestedPipeline:
    """One pipeline in one environment. ``model`` is the compiled pipeline with every setting."""

    __test__ = False

    def __init__(self, model: Pipeline) -> None:
        self.model = model
        self.id = model.id
        self.environment = model.environment
        self._jobs = {job.name: job for job in model.jobs}

    def __repr__(self) -> str:
        return f"<pipeline {self.id} in {self.environment}>"

    @property
    def jobs(self) -> tuple[str, ...]:
        """The names of the jobs; the cells of a matrix are jobs."""
        return tuple(self._jobs)

    def job(self, name: str) -> TestedJob:
        """Return a job by its name. Raises ``KeyError``."""
        if name in self.model.cells:
            cells = ", ".join(self.model.cells[name])
            raise KeyError(f"`{name}` is a matrix; name one of its jobs: {cells}")
        if name not in self._jobs:
            raise KeyError(f"`{self.id}` has no job `{name}` in {self.environment}; {did_you_mean(name, self._jobs)}")
        return TestedJob(self, self._jobs[name])

    @property
    def schedule(self) -> Any:
        """The schedule as a file has it: None, a cron expression, a preset such as `@daily`, or a map."""
        return written_schedule(self.model.schedule)

    def next_runs(self, after: datetime, count: int = 3) -> list[datetime]:
        """Return the times of the next runs in the time zone of the pipeline. ``after`` needs a time zone."""
        if after.tzinfo is None:
            raise ValueError("`after` needs a time zone, such as datetime(2026, 1, 1, tzinfo=timezone.utc)")
        zone = ZoneInfo(self.model.timezone)
        return [one.astimezone(zone) for one in next_runs(self.model, after, count)]

    def manifests(self) -> str:
        """Return the DAG as a comment, and all pods as YAML, as `dagf render` prints them."""
        return manifests(render(self.model), with_dag=True)

    def assert_graph(self, expected: Mapping[str, Sequence[str]]) -> None:
        """Check all jobs, each with the jobs that it waits for directly."""
        __tracebackhide__ = True
        found = {job.name: sorted({*job.depends_on, *job.teardown_of}) for job in self.model.jobs}
        wanted = {name: sorted(others) for name, others in expected.items()}
        lines = []
        for name in sorted({*found, *wanted}):
            if name not in found:
                lines.append(f"  {name}: expected, but there is no such job")
            elif name not in wanted:
                lines.append(f"  {name}: not expected; it waits for {_names(found[name])}")
            elif found[name] != wanted[name]:
                lines.append(f"  {name}: waits for {_names(found[name])}, expected {_names(wanted[name])}")
        if lines:
            raise AssertionError("\n".join([f"the graph of {self._where()} differs:", *lines]))

    def assert_order(self, *names: str) -> None:
        """Check that each of these jobs starts only after the one before it has ended."""
        __tracebackhide__ = True
        if len(names) < 2:
            raise ValueError("name at least two jobs")
        for earlier, later in pairwise(names):
            before = self._before(self.job(later).name)
            if self.job(earlier).name not in before:
                raise AssertionError(
                    f"`{later}` does not wait for `{earlier}` in {self._where()}; it waits for {_names(sorted(before))}"
                )

    def assert_schedule(self, expected: Any, timezone: str | None = None) -> None:
        """Check the schedule as a file has it (None: started by hand), and the time zone if it is given."""
        __tracebackhide__ = True
        if self.schedule != expected:
            off = f" ({self.model.schedule_off} turns it off)" if self.model.schedule_off else ""
            raise AssertionError(f"the schedule of {self._where()} is {self.schedule!r}{off}, expected {expected!r}")
        if timezone is not None and self.model.timezone != timezone:
            raise AssertionError(f"the time zone of {self._where()} is {self.model.timezone}, expected {timezone}")

    def _before(self, name: str) -> set[str]:
        """All jobs that end before this job starts."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            job = self._jobs[waiting.pop()]
            new = {*job.depends_on, *job.teardown_of} - found
            found |= new
            waiting += sorted(new)
        return found

    def _where(self) -> str:
        return f"{self.id} in {self.environment} ({self.model.file})"


class TestedJob:
    """One job. ``model`` is the compiled job, ``pod`` its pod as Kubernetes JSON, as Airflow sends it."""

    __test__ = False

    def __init__(self, pipeline: TestedPipeline, model: Job) -> None:
        self.pipeline = pipeline
        self.model = model
        self.name = model.name
        self.pod: Fragment = operator_pod(pipeline.model, model)

    def __repr__(self) -> str:
        return f"<job {self.name} of {self.pipeline.id} in {self.pipeline.environment}>"

    @property
    def container(self) -> Fragment:
        """The container that runs the job."""
        return next(one for one in self.pod["spec"]["containers"] if one["name"] == "base")

    def pod_field(self, path: str) -> Any:
        """Return a field of the pod, such as ``spec.containers[base].image``. Raises ``KeyError``."""
        found = self._find(path)
        if found is _ABSENT:
            raise KeyError(f"the pod of {self._where()} has no field {path}; {self._hint(path)}")
        return found

    def assert_pod(self, fields: Mapping[str, Any]) -> None:
        """Check fields of the pod by their paths. The value None means that the field is not set."""
        __tracebackhide__ = True
        lines = []
        for path, expected in fields.items():
            found = self._find(path)
            if expected is None and found is _ABSENT:
                continue
            if found is _ABSENT:
                lines.append(f"  {path}: not set, expected {expected!r}; {self._hint(path)}")
            elif found != expected:
                lines.append(f"  {path}: {found!r}, expected {expected!r}")
        if lines:
            first = next(iter(fields))
            tip = f"dagf explain {self.pipeline.id} {self.name} '{first}' --env {self.pipeline.environment}"
            raise AssertionError(
                "\n".join([f"the pod of {self._where()} differs:", *lines, f"where a value comes from: {tip}"])
            )

    def _find(self, path: str) -> Any:
        steps = parse_path(path, self.pod)
        if steps is None:
            return _ABSENT
        found: Any = self.pod
        for step in steps:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return _ABSENT
        return found

    def _hint(self, path: str) -> str:
        return did_you_mean(path, [text for text, _, _ in leaves(self.pod)]) or "see `dagf render`"

    def _where(self) -> str:
        position = f"{self.pipeline.model.file}:{self.model.line}" if self.model.line else self.pipeline.model.file
        return f"{self.pipeline.id} {self.name} in {self.pipeline.environment} ({position})"


def _all_environments(home: Path) -> list[Project]:
    from dag_factory.config.source.layout import environments

    return open_environments(home, environments(home))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
