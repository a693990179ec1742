"""A plan as a JSON document for programs, described by ``schemas/plan.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from dag_factory.config.problems import Problem
from dag_factory.plan.model import (
    Absent,
    Cause,
    DagChange,
    Effect,
    EnvironmentCost,
    FieldChange,
    JobChange,
    Place,
    Plan,
    Risk,
)

VERSION = 1
"""The version of the document. New keys do not change it; a key that is removed or changes its meaning does."""
JSON = dict[str, Any]


def as_json(plan: Plan) -> str:
    """Return the document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document(plan))).decode() + "\n"


def document(plan: Plan) -> JSON:
    """Return the document. A side that has no value has no key ``before`` or ``after``."""
    return {
        "version": VERSION,
        "dagf": plan.version,
        "base": msgspec.to_builtins(plan.base),
        "head": msgspec.to_builtins(plan.head),
        "today": plan.today or None,
        "environments": [
            {"name": one, "dags": dict(Counter(change.kind for change in plan.changes if change.environment == one))}
            for one in plan.environments
        ],
        "files": {
            "total": plan.files,
            "analyzed": plan.files - len(plan.not_analyzed),
            "changed": list(plan.changed_files),
            "not_analyzed": [msgspec.to_builtins(one) for one in plan.not_analyzed],
        },
        "risks": [_risk(risk) for risk in plan.risks],
        "effects": [_effect(effect) for effect in plan.effects],
        "dags": [_dag(change) for change in plan.changes],
        "costs": [_cost(cost) for cost in plan.costs],
        "pools": [msgspec.to_builtins(one) for one in plan.pools],
        "still_broken": [{"environment": one.environment, "dag": one.dag_id} for one in plan.still_broken],
        "problems": {
            "new": _problems(plan.new_problems),
            "solved": _problems(plan.solved_problems),
            "unchanged": plan.unchanged_problems,
        },
    }


def _risk(risk: Risk) -> JSON:
    return {
        "kind": risk.kind,
        "message": risk.sentence,
        "runs": risk.runs,
        "cause": _cause(risk.cause),
        "places": _places(risk.places),
    }


def _effect(effect: Effect) -> JSON:
    return {
        "fields": _fields(effect.fields),
        "cause": _cause(effect.cause),
        "jobs": len({(place.dag_id, place.job) for place in effect.places if place.job}),
        "dags": len({place.dag_id for place in effect.places}),
        "places": _places(effect.places),
    }


def _dag(change: DagChange) -> JSON:
    return {
        "dag": change.id,
        "environment": change.environment,
        "file": change.file,
        "kind": change.kind,
        "renamed_from": change.renamed_from,
        "is_new": change.is_new,
        "cause": _cause(change.cause),
        "fields": _fields(change.fields),
        "jobs": [_job(job) for job in change.jobs],
        "edges_added": _edges(change.edges_added),
        "edges_removed": _edges(change.edges_removed),
        "problems": _problems(change.problems),
    }


def _job(job: JobChange) -> JSON:
    return {"job": job.job, "kind": job.kind, "fields": _fields(job.fields)}


def _cost(cost: EnvironmentCost) -> JSON:
    monthly = {"before": cost.monthly[0], "after": cost.monthly[1]} if cost.monthly else None
    return {
        "environment": cost.environment,
        "jobs": cost.jobs,
        "hourly": {"before": cost.hourly[0], "after": cost.hourly[1]},
        "monthly": monthly,
        "not_estimable": cost.not_estimable,
    }


def _fields(fields: Iterable[FieldChange]) -> list[JSON]:
    return [
        {
            "path": field.path,
            **({} if isinstance(field.before, Absent) else {"before": field.before}),
            **({} if isinstance(field.after, Absent) else {"after": field.after}),
        }
        for field in fields
    ]


def _edges(edges: Sequence[tuple[str, str]]) -> list[JSON]:
    return [{"upstream": upstream, "downstream": downstream} for upstream, downstream in edges]


def _cause(cause: Cause | None) -> JSON | None:
    return None if cause is None else msgspec.to_builtins(cause)


def _places(places: Iterable[Place]) -> list[JSON]:
    return [{"environment": place.environment, "dag": place.dag_id, "job": place.job or None} for place in places]


def _problems(problems: Iterable[Problem]) -> list[JSON]:
    return [msgspec.to_builtins(problem) for problem in problems]
