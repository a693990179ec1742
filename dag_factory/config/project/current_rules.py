"""The platform's current rules applied to an old version of a pipeline.

What the platform decides comes from its current tables: where pods run, the flavors, the limits, and whether schedules
are on. If the old version breaks a limit, it is stopped: it has no schedule, and its tasks fail before a pod exists. So
nobody can keep old rules by leaving a file broken.
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
_DENIED = "no-team"  # the code for a folder without a team under `default: deny`


def apply_current_rules(pipeline: Pipeline, tables: Tables) -> Pipeline:
    """The pipeline under the current rules, ``stopped`` if it breaks a rule or cannot be checked.

    If the tables are broken, the pipeline is unchanged and keeps running: only the platform team can break them.
    """
    if tables.broken:
        return pipeline
    try:
        return _apply(pipeline, tables)
    except Exception as failure:  # any failure affects only this pipeline; what is not checked does not run
        message = printable(
            f"it cannot be checked against the current rules: {type(failure).__name__}: {failure}"[:300]
        )
        problem = _stopped(pipeline, message, "fix its file, and report this bug of the compiler")
        return msgspec.structs.replace(pipeline, schedule=Manual(), stopped=(problem,))


def _apply(pipeline: Pipeline, tables: Tables) -> Pipeline:
    identity = {"id": pipeline.id, "team": pipeline.team, "name": pipeline.name}
    context: dict[str, Any] = {"vars": tables.vars, "environment": tables.environment, "pipeline": identity}
    team, problems = teams.team_of_file(id_of(pipeline.file), tables.teams, context, pipeline.file)
    denied = [problem for problem in problems if problem.code == _DENIED]
    if problems and not denied:  # the team's current rules are unknown: use its old ones and the environment's
        unchanged = msgspec.structs.replace(pipeline, guards=read_guards.combine(tables.guards, pipeline.guards))
        broken = tuple(_breaches(unchanged, tables))
        return msgspec.structs.replace(unchanged, schedule=Manual(), stopped=broken) if broken else unchanged
    tables = (tables.for_team(team) if team.names else tables).harden_xcom_sidecar()
    current = msgspec.structs.replace(
        pipeline,
        cluster=tables.cluster,
        guards=tables.guards,
        templates_allow=tuple(sorted(tables.run_time_names)),
        pools=tables.pools,
        alerts_enabled=tables.alerts_enabled,
        links=tables.links,
        jobs=tuple(_job(job, tables) for job in pipeline.jobs),
    )
    for key in ("max_active_jobs", "max_active_runs"):
        bound = tables.guards.bounds.get(key)
        if bound and getattr(current, key) is None:
            current = msgspec.structs.replace(current, **{key: bound.most})
    if tables.schedules and tables.schedules.value == "manual":
        current = msgspec.structs.replace(current, schedule=Manual())
    stopped = [_stopped(current, problem.message, problem.hint) for problem in denied] or list(
        _breaches(current, tables)
    )
    return msgspec.structs.replace(current, schedule=Manual(), stopped=tuple(stopped)) if stopped else current


def _job(job: Job, tables: Tables) -> Job:
    """The job with the current definition of its flavor, and with what the platform requires and the job leaves out."""
    name = job.flavor.name
    # A replacement is not replaced again: an environment replaces a flavor once.
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
            hint = "the platform team removed it from configs/platform/flavors.yaml"
            yield _stopped(pipeline, f"job `{job.name}`: the flavor `{flavor}` no longer exists", hint)
        for breach in breaches(final_pod(job, pipeline.cluster), job, pipeline.guards):
            if breach.severity == "error":
                yield _stopped(pipeline, f"job `{job.name}`: {breach.message}", breach.hint)


def _stopped(pipeline: Pipeline, message: str, hint: str) -> Problem:
    return Problem(pipeline.file, 0, 0, STOPPED, message, hint=hint)
