"""Explain one field of a pipeline in several environments, or list all fields with their origins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dag_factory.config import budget
from dag_factory.config.ids import DagId
from dag_factory.config.positions import KeyPath
from dag_factory.config.project.project import Project
from dag_factory.config.suggestions import did_you_mean, nearest
from dag_factory.config.tree import to_python
from dag_factory.explain import key_chains, pod_chains
from dag_factory.explain.field_paths import leaves
from dag_factory.explain.key_chains import Lookup
from dag_factory.explain.model import Broken, Chain, Explanation, Origin, Place
from dag_factory.explain.subject import JobSubject, Subject, find_pipeline, take_job_apart, tasks

_OF_JOBS = ("jobs", "defaults", "environments")
"""The keys of a pipeline whose values are explained with the jobs, or with the other keys."""


class NotFound(Exception):
    """There is no such job or field. The text says what there is instead."""


class Pipelines(msgspec.Struct, frozen=True):
    """One pipeline in each environment that has it without errors; the other environments, and why."""

    id: DagId
    subjects: tuple[Subject, ...]
    broken: tuple[Broken, ...]
    without: tuple[str, ...]


class Listing(msgspec.Struct, frozen=True):
    """All fields of a pipeline or a job in one environment: the keys of the language, then the fields of the pod."""

    environment: str
    keys: tuple[Origin, ...]
    pod: tuple[Origin, ...] = ()


def find_pipelines(projects: Sequence[Project], dag_id: DagId) -> Pipelines:
    """The pipeline in each project."""
    subjects, broken, without = [], [], []
    for project in projects:
        found = find_pipeline(project, dag_id)
        if found.subject is not None:
            subjects.append(found.subject)
        elif found.exists:
            broken.append(Broken(project.environment, found.problems))
        else:
            without.append(project.environment)
    return Pipelines(dag_id, tuple(subjects), tuple(broken), tuple(without))


def explain_field(pipelines: Pipelines, job: str, field: str) -> Explanation:
    """The chain of one field in each environment. Raises ``NotFound``. ``job`` is empty for a key of the pipeline."""
    chains: list[Chain] = []
    without, unset = list(pipelines.without), list[str]()
    for subject in pipelines.subjects:
        if job and job not in tasks(subject):
            without.append(subject.environment)
            continue
        chain = _job_chain(subject, job, field) if job else _pipeline_chain(subject, field)
        if chain is not None:
            chains.append(chain)
        else:
            unset.append(subject.environment)
    _check_job(pipelines, job)
    if not chains:
        raise NotFound(_unknown_field(pipelines, job, field))
    chains += [Chain(environment, "default", None, False) for environment in unset]
    return Explanation(pipelines.id, job, field, tuple(chains), tuple(without))


def list_fields(pipelines: Pipelines, job: str) -> list[Listing]:
    """All fields with their origins in each environment that has the job. Raises ``NotFound``."""
    _check_job(pipelines, job)
    found = []
    for subject in pipelines.subjects:
        if not job:
            lookup = key_chains.pipeline_lookup(subject)
            found.append(Listing(subject.environment, tuple(_pipeline_origins(subject, lookup))))
        elif job in tasks(subject):
            one = take_job_apart(subject, job)
            keys = tuple(_job_origins(one, key_chains.job_lookup(one)))
            found.append(
                Listing(subject.environment, keys, tuple(pod_chains.origins_of_pod(pod_chains.pod_lookup(one))))
            )
    return found


def places_of_explanation(explanation: Explanation) -> Iterator[Place]:
    """Every place that an explanation names."""
    for chain in explanation.chains:
        yield from (step.place for step in chain.steps)
        yield from (rule.place for rule in chain.rules)
        yield from (part.place for part in chain.parts if part.place is not None)


def places_of_listings(listings: Sequence[Listing]) -> Iterator[Place]:
    """Every place that lists of fields name."""
    for one in listings:
        yield from (origin.place for origin in (*one.keys, *one.pod) if origin.place is not None)


def is_task(pipelines: Pipelines, name: str) -> bool:
    """Whether an environment has a task or a matrix of this name."""
    return any(name in tasks(one) or name in tasks(one).values() for one in pipelines.subjects)


def _check_job(pipelines: Pipelines, job: str) -> None:
    known = {task: source for subject in pipelines.subjects for task, source in tasks(subject).items()}
    if not job or job in known:
        return
    cells = [task for task, source in known.items() if source == job]
    if cells:
        raise NotFound(f"`{job}` is a matrix; name one of its jobs: {', '.join(cells)}")
    hint = did_you_mean(job, known) or "the project has no jobs"
    raise NotFound(f"`{pipelines.id}` has no job `{job}`; {hint}")


def _job_chain(subject: Subject, job: str, field: str) -> Chain | None:
    one = take_job_apart(subject, job)
    if pod_chains.is_pod_field(field):
        return pod_chains.chain_of_pod_field(pod_chains.pod_lookup(one), field)
    lookup = key_chains.job_lookup(one)
    rest = key_chains.flavor_key(field)
    if rest is not None:
        flavor = key_chains.flavor_lookup(one)
        path = key_chains.find_key(flavor, rest)
        return None if path is None else key_chains.chain_of_flavor_key(one, path, flavor, lookup)
    path = key_chains.find_key(lookup, field)
    return None if path is None else key_chains.chain_of_job_key(one, path, lookup)


def _pipeline_chain(subject: Subject, field: str) -> Chain | None:
    lookup = key_chains.pipeline_lookup(subject)
    path = key_chains.find_key(lookup, field)
    return None if path is None or path[0] in _OF_JOBS else key_chains.chain_of_pipeline_key(subject, path, lookup)


def _pipeline_origins(subject: Subject, lookup: Lookup) -> Iterator[Origin]:
    for text, path in _fields(lookup):
        if path[0] != "jobs":
            yield _origin(text, key_chains.chain_of_pipeline_key(subject, path, lookup))


def _job_origins(one: JobSubject, lookup: Lookup) -> Iterator[Origin]:
    for text, path in _fields(lookup):
        yield _origin(text, key_chains.chain_of_job_key(one, path, lookup))


def _fields(lookup: Lookup) -> Iterator[tuple[str, KeyPath]]:
    for text, path, _ in leaves(to_python(lookup.tree)):
        yield text, path


def _origin(text: str, chain: Chain) -> Origin:
    last = chain.setting_step
    kinds = ("schedules", "replacement") if last else ("schedules", "required", "value")
    rule = next((rule for rule in chain.rules if rule.kind in kinds), None)
    if rule is not None:
        return Origin(text, chain.kind, chain.value, "", rule.place, rule.text)
    return Origin(text, chain.kind, chain.value, last.layer if last else "", last.place if last else None, chain.reason)


def _unknown_field(pipelines: Pipelines, job: str, field: str) -> str:
    listing = list_fields(pipelines, job)
    known = {origin.field for one in listing for origin in (*one.keys, *one.pod)}
    if not job and field.partition(".")[0] in _OF_JOBS:
        return f"`{field}` is a layer of jobs; explain the key of a job: `dagf explain {pipelines.id} JOB KEY`"
    jobs = list(dict.fromkeys(task for one in pipelines.subjects for task in tasks(one)))
    if not job and (near := nearest(field, jobs)):
        return f"`{pipelines.id}` has no job and no field `{field}`; did you mean the job `{near}`?"
    subject = f"the job `{job}`" if job else f"`{pipelines.id}`"
    command = f"dagf explain {pipelines.id}" + (f" {job}" if job else "")
    budget.reset()
    near = nearest(field, known)
    hint = f"did you mean `{near}`? " if near else ""
    return f"{subject} has no field `{field}`; {hint}`{command}` lists all fields"
