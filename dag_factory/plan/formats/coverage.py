"""Which changes a plan shows once for many jobs, and what is left to show for each DAG."""

from __future__ import annotations

from collections.abc import Iterable

from dag_factory.config.ids import DagId
from dag_factory.plan.model import Cause, Effect, FieldChange, Place, Plan


def folded_effects(plan: Plan) -> tuple[Effect, ...]:
    """Return the effects on two or more jobs; the plan shows each of them once."""
    return tuple(effect for effect in plan.effects if _is_folded(effect))


class Coverage:
    """What the folded effects of a plan show, and the causes of the changes that are left."""

    def __init__(self, plan: Plan) -> None:
        self._shown: dict[Place, dict[str, FieldChange]] = {}
        self._causes: dict[tuple[Place, str], Cause] = {}
        for effect in plan.effects:
            is_folded = _is_folded(effect)
            for place in effect.places:
                if is_folded:
                    self._shown.setdefault(place, {}).update({field.path: field for field in effect.fields})
                elif effect.cause:
                    self._causes.update({(place, field.path): effect.cause for field in effect.fields})

    def left(
        self, environment: str, dag_id: DagId, job: str, fields: Iterable[FieldChange]
    ) -> list[tuple[Cause | None, tuple[FieldChange, ...]]]:
        """Return the changes that no folded effect shows, by cause."""
        place = Place(environment, dag_id, job)
        shown = self._shown.get(place, {})
        found: dict[Cause | None, list[FieldChange]] = {}
        for field in fields:
            if shown.get(field.path) != field:
                found.setdefault(self._causes.get((place, field.path)), []).append(field)
        return [(cause, tuple(changes)) for cause, changes in found.items()]


def _is_folded(effect: Effect) -> bool:
    return len({(place.dag_id, place.job) for place in effect.places}) > 1
