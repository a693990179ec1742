"""Fold equal changes with one cause into one effect: ``cpu-small memory 2Gi -> 4Gi: 212 jobs in 87 pipelines``."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Cause, Effect, FieldChange, Place

_ENCODER = msgspec.msgpack.Encoder(order="deterministic", enc_hook=lambda value: type(value).__name__)


def fold(changes: Iterable[LocatedChange]) -> tuple[Effect, ...]:
    """The effects of the changed fields, those with the most places first.

    Equal changes of a field with one cause are one effect, and so are several fields with one cause and the same
    places. Fields without a known cause are folded if the changes are equal. What a new DAG or a new job has is no
    effect: everything about it is new.
    """
    fields: dict[tuple[Cause | None, bytes], FieldChange] = {}
    places: dict[tuple[Cause | None, bytes], dict[Place, None]] = {}
    for located in changes:
        change = located.change
        changed_jobs = [(one.job, one.fields) for one in change.jobs if one.kind == "changed"]
        for job, changed in (("", () if change.is_new else change.fields), *changed_jobs):
            place = Place(change.environment, change.id, job)
            for field in changed:
                key = located.causes.get((job, field.path)), _ENCODER.encode((field.path, field.before, field.after))
                fields.setdefault(key, field)
                places.setdefault(key, {})[place] = None
    joined: dict[tuple[Cause | None, tuple[Place, ...]], list[FieldChange]] = {}
    for key, found in places.items():
        joined.setdefault((key[0], tuple(sorted(found))), []).append(fields[key])
    effects = [Effect(tuple(some), cause, where) for (cause, where), some in joined.items()]
    return tuple(sorted(effects, key=_order))


def _order(effect: Effect) -> tuple[object, ...]:
    cause = effect.cause
    where = (cause.file, cause.line, cause.column) if cause else ("~", 0, 0)
    return (-len(effect.places), where, [field.path for field in effect.fields], effect.places)
