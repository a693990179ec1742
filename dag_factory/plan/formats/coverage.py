"""Which changes a plan shows once for many jobs, and what is left to show for each DAG."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

import msgspec

from dag_factory.config.ids import DagId
from dag_factory.plan.formats.wording import pair_of
from dag_factory.plan.model import Cause, Effect, FieldChange, Place, Plan


class SharedChange(msgspec.Struct, frozen=True, dict=True):
    """What one line causes in two or more jobs. Without a known cause, one effect."""

    cause: Cause | None
    effects: tuple[Effect, ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every place of the effects once."""
        return tuple(dict.fromkeys(chain.from_iterable(effect.places for effect in self.effects)))


class Coverage:
    """The shared changes, those with the most places first, and what they do not show."""

    def __init__(self, plan: Plan) -> None:
        self.shared: list[SharedChange] = []
        self._shown: dict[Place, dict[str, FieldChange]] = {}
        self._causes: dict[tuple[Place, str], Cause] = {}
        self._hides_origins = pair_of(plan) is not None
        for change in self._by_cause(plan.effects):
            if len({(place.dag_id, place.job) for place in change.places}) > 1:
                self.shared.append(change)
            self._record(change)
        self.shared.sort(key=lambda one: -len(one.places))

    def left(
        self, environment: str, dag_id: DagId, job: str, fields: Iterable[FieldChange]
    ) -> list[tuple[Cause | None, tuple[FieldChange, ...]]]:
        """Return the changes that no shared change shows, by cause."""
        place = Place(environment, dag_id, job)
        shown = self._shown.get(place, {})
        found: dict[Cause | None, list[FieldChange]] = {}
        for field in fields:
            if shown.get(field.path) != field and not self._is_hidden(field):
                found.setdefault(self._causes.get((place, field.path)), []).append(field)
        return [(cause, tuple(changes)) for cause, changes in found.items()]

    def _by_cause(self, effects: Iterable[Effect]) -> list[SharedChange]:
        found: dict[Cause, list[Effect]] = {}
        others: list[Effect] = []
        for effect in effects:
            fields = tuple(field for field in effect.fields if not self._is_hidden(field))
            if fields:
                shown = effect if len(fields) == len(effect.fields) else msgspec.structs.replace(effect, fields=fields)
                (found.setdefault(shown.cause, []) if shown.cause else others).append(shown)
        known = [SharedChange(cause, tuple(some)) for cause, some in found.items()]
        return [*known, *(SharedChange(None, (effect,)) for effect in others)]

    def _record(self, change: SharedChange) -> None:
        is_shared = bool(self.shared) and self.shared[-1] is change
        for effect in change.effects:
            for place in effect.places:
                if is_shared:
                    self._shown.setdefault(place, {}).update({field.path: field for field in effect.fields})
                elif change.cause:
                    self._causes.update({(place, field.path): change.cause for field in effect.fields})

    def _is_hidden(self, field: FieldChange) -> bool:
        """Return whether a field says only which of two environments set a limit."""
        return self._hides_origins and field.path.endswith(".by")
