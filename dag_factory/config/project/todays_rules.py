"""An old version of a pipeline under the rules that hold now.

What the platform decides is taken from its tables as they are: the place where pods run, the flavors, the limits,
whether schedules are on. Where the old version breaks a limit it is stopped: no schedule, and its tasks fail before a
pod exists. So nobody keeps old rules by leaving a file broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.guards import bounds, read_guards
from dag_factory.config.guards.check import breaches
from dag_factory.config.model import Job, Manual, Pipeline
from dag_factory.config.platform import teams
from dag_factory.config.platform.hardening import harden_model
from dag_factory.config.platform.tables import Tables
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem, printable
from dag_factory.config.source.layout import id_of

STOPPED: Code = "last-good-stopped"
_DENIED = "no-team"  # what `default: deny` gives to a folder that the table of teams does not name


def as_of_today(pipeline: Pipeline, tables: Tables) -> Pipeline:
    """The pipeline with today's platform, ``stopped`` where it breaks a rule, or where nobody can tell.

    Tables that are broken themselves say nothing: only the platform team can break them, and the pipeline runs on.
    """
    if tables.broken:
        return pipeline
    try:
        return _as_of_today(pipeline, tables)
    except Exception as failure:  # whatever it is, it costs this pipeline only, and what is not checked does not run
        message = printable(
            f"it cannot be checked against the rules of today: {type(failure).__name__}: {failure}"[:300]
        )
        problem = _stopped(pipeline, message, "correct its file; and report this fault of the compiler")
        return msgspec.structs.replace(pipeline, schedule=Manual(), stopped=(problem,))


def _as_of_today(pipeline: Pipeline, tables: Tables) -> Pipeline:
    identity = {"id": pipeline.id, "team": pipeline.team, "name": pipeline.name}
    context: dict[str, Any] = {"vars": tables.vars, "environment": tables.environment, "pipeline": identity}
    team, trouble = teams.team_of_file(id_of(pipeline.file), tables.teams, context, pipeline.file)
    denied = [problem for problem in trouble if problem.code == _DENIED]
    if trouble and not denied:  # the team's rules of today are not known: its old ones hold, and the environment's
        kept = msgspec.structs.replace(pipeline, guards=read_guards.combine(tables.guards, pipeline.guards))
        broken = tuple(_breaches(kept, tables))
        return msgspec.structs.replace(kept, schedule=Manual(), stopped=broken) if broken else kept
    tables = (tables.for_team(team) if team.names else tables).harden_xcom_sidecar()
    now = msgspec.structs.replace(
        pipeline,
        cluster=tables.cluster,
        guards=tables.guards,
        templates_allow=tuple(sorted(tables.run_time_names)),
        pools=tables.pools,
        alerts_enabled=tables.alerts_enabled,
        jobs=tuple(_job(job, tables) for job in pipeline.jobs),
    )
    for key in ("max_active_jobs", "max_active_runs"):
        bound = tables.guards.bounds.get(key)
        if bound and getattr(now, key) is None:
            now = msgspec.structs.replace(now, **{key: bound.most})
    if tables.schedules and tables.schedules.value == "manual":
        now = msgspec.structs.replace(now, schedule=Manual())
    stopped = [_stopped(now, problem.message, problem.hint) for problem in denied] or list(_breaches(now, tables))
    return msgspec.structs.replace(now, schedule=Manual(), stopped=tuple(stopped)) if stopped else now


def _job(job: Job, tables: Tables) -> Job:
    """The job with its flavor as the table has it now, and with what the platform demands where it leaves it out."""
    name = job.flavor.name
    # One that stands in for another has been exchanged already: an environment exchanges a flavor once.
    if name in tables.flavor_replacements and all(name != one.text for one in tables.flavor_replacements.values()):
        name = tables.flavor_replacements[name].text
    entry = tables.flavors.get(name)
    job = msgspec.structs.replace(job, flavor=entry.flavor) if entry else job
    longest, level = tables.guards.bounds.get("timeout"), tables.guards.pod_security
    if longest and job.timeout is None:
        job = msgspec.structs.replace(job, timeout=longest.most)
    return harden_model(job) if level and level.words[0] == "restricted" else job


def _breaches(pipeline: Pipeline, tables: Tables) -> Iterator[Problem]:
    """A problem for each rule that the pipeline or a job breaks."""
    for breach in bounds.pipeline_breaches(pipeline, pipeline.guards):
        yield _stopped(pipeline, breach.message, breach.hint)
    for job in pipeline.jobs:
        flavor = job.flavor.name
        if flavor not in tables.flavors and flavor not in tables.broken_flavors:
            hint = "the platform team took it out of configs/platform/flavors.yaml"
            yield _stopped(pipeline, f"job `{job.name}`: there is no flavor `{flavor}` any more", hint)
        for breach in breaches(final_pod(job, pipeline.cluster), job, pipeline.guards):
            if breach.severity == "error":
                yield _stopped(pipeline, f"job `{job.name}`: {breach.message}", breach.hint)


def _stopped(pipeline: Pipeline, message: str, hint: str) -> Problem:
    return Problem(pipeline.file, 0, 0, STOPPED, message, hint=hint)
