"""Fold equal changes with one cause into one effect: ``cpu-small memory 2Gi -> 4Gi: 212 jobs in 87 pipelines``."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Cause, Effect, FieldChange, Place

_ENCODER = msgspec.msgpack.Encoder(order="deterministic", enc_hook=lambda value: type(value).__name__)


def fold(changes: Iterable[LocatedChange]) -> tuple[Effect, ...]:
    """The effects of the changed fields, those with the most places first.

    The fields of one job that have one cause are one effect. Fields without a known cause are folded if the changes
    are equal.
    """
    places: dict[tuple[Cause | None, bytes], list[Place]] = {}
    fields: dict[tuple[Cause | None, bytes], tuple[FieldChange, ...]] = {}
    for located in changes:
        change = located.change
        for job, changed in (("", change.fields), *((one.job, one.fields) for one in change.jobs)):
            place = Place(change.environment, change.id, job)
            for cause, some in _by_cause(located, job, changed):
                key = (cause, _ENCODER.encode([(one.path, one.before, one.after) for one in some]))
                fields.setdefault(key, some)
                places.setdefault(key, []).append(place)
    effects = [Effect(fields[key], key[0], tuple(sorted(found))) for key, found in places.items()]
    return tuple(sorted(effects, key=_order))


def _by_cause(
    located: LocatedChange, job: str, fields: Iterable[FieldChange]
) -> list[tuple[Cause | None, tuple[FieldChange, ...]]]:
    found: dict[Cause | None, list[FieldChange]] = {}
    for field in fields:
        found.setdefault(located.causes.get((job, field.path)), []).append(field)
    return [(cause, tuple(some)) for cause, some in found.items()]


def _order(effect: Effect) -> tuple[object, ...]:
    cause = effect.cause
    where = (cause.file, cause.line, cause.column) if cause else ("~", 0, 0)
    return (-len(effect.places), where, [field.path for field in effect.fields], effect.places)
