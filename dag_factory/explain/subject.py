"""A pipeline and its jobs in one environment, with everything they were made from."""

from __future__ import annotations

import msgspec

from dag_factory.config import budget
from dag_factory.config.file_results import PipelineResult
from dag_factory.config.ids import DagId
from dag_factory.config.jobs.compile_job import job_scope
from dag_factory.config.jobs.job_layers import JobLayers, JobSource, collect_layers
from dag_factory.config.jobs.job_sources import find_jobs
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.model import Job, Pipeline
from dag_factory.config.pipelines import compile_file
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline, resolve_pipeline
from dag_factory.config.pipelines.pipeline_source import PipelineSource
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import candidate_files, file_exists
from dag_factory.config.storage import read_file
from dag_factory.config.tree import MapNode, as_map


class Subject(msgspec.Struct, frozen=True):
    """A pipeline without errors. ``source`` is its file, ``instance`` its name among those of the file."""

    project: Project
    source: PipelineSource
    instance: str | None
    pipeline: Pipeline
    resolved: ResolvedPipeline

    @property
    def environment(self) -> str:
        """The name of the environment."""
        return self.project.environment

    @property
    def node(self) -> MapNode:
        """The tree of the file."""
        return as_map(self.source.node)


class JobSubject(msgspec.Struct, frozen=True):
    """One task of a pipeline: ``tree`` is what it was resolved to, ``job`` its model, ``layers`` what was merged."""

    subject: Subject
    source: JobSource
    scope: Scope
    layers: JobLayers
    tree: MapNode
    job: Job


class Found(msgspec.Struct, frozen=True):
    """A pipeline in an environment. Without ``subject`` it has errors, or the environment does not have it."""

    subject: Subject | None
    problems: tuple[Problem, ...] = ()
    exists: bool = False


def find_pipeline(project: Project, dag_id: DagId) -> Found:
    """Compile one pipeline. Reads at most two files, and neither reads nor writes the cache."""
    for file_id in candidate_files(dag_id):
        if not file_exists(project.home, file_id):
            continue
        _, file, data = read_file.read(project.home, file_id)
        if isinstance(data, Problem):
            return Found(None, (data,), True)
        budget.reset()
        source = compile_file.read_source(file_id, file, data)
        if source.node is None:
            return Found(None, source.problems, True)
        if dag_id in source.ids:
            result, resolved = resolve_pipeline(source, project.tables, dag_id)
            return _found(project, source, result, resolved)
    return Found(None)


def _found(
    project: Project, source: PipelineSource, result: PipelineResult, resolved: ResolvedPipeline | None
) -> Found:
    if result.pipeline is None or resolved is None:
        return Found(None, errors(result.problems), bool(result.problems))
    return Found(Subject(project, source, source.ids[result.id], result.pipeline, resolved), (), True)


def tasks(subject: Subject) -> dict[str, str]:
    """The id of each task, with the name of its job in the file."""
    return subject.resolved.source_names


def take_job_apart(subject: Subject, task: str) -> JobSubject:
    """The layers of one task. ``task`` is one of ``tasks``."""
    budget.reset()
    resolved = subject.resolved
    scope = msgspec.structs.replace(resolved.scope, problems=[])
    source = next(one for one in find_jobs(resolved.document, scope, frozenset()) if one.task == task)
    own_scope = job_scope(source, scope)
    return JobSubject(
        subject=subject,
        source=source,
        scope=own_scope,
        layers=collect_layers(source, own_scope),
        tree=as_map(resolved.tree.map("jobs").get(task)),
        job=next(job for job in subject.pipeline.jobs if job.name == task),
    )
