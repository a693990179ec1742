"""Which changes a plan shows once for many jobs, and what is left to show for each DAG."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

import msgspec

from dag_factory.config.ids import DagId
from dag_factory.plan.formats.fields import is_limit
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
        self._shown: dict[Place, dict[str, list[FieldChange]]] = {}
        self._causes: dict[tuple[Place, str], Cause] = {}
        self._in_risks: set[tuple[Place, str]] = set()
        self._told = {_line(risk.cause) for risk in plan.risks if risk.kind == "guard-loosened" and risk.cause}
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
            cause = self._causes.get((place, field.path))
            is_told = (place, field.path) in self._in_risks
            if field not in shown.get(field.path, ()) and not _is_hidden(field) and not is_told:
                found.setdefault(cause, []).append(field)
        return [(cause, tuple(changes)) for cause, changes in found.items()]

    def _is_told(self, cause: Cause | None) -> bool:
        """Return whether a risk is about the limits of this line."""
        return cause is not None and _line(cause) in self._told

    def _by_cause(self, effects: Iterable[Effect]) -> list[SharedChange]:
        found: dict[_Line, list[Effect]] = {}
        others: list[Effect] = []
        for effect in effects:
            told = [field.path for field in effect.fields if is_limit(field) and self._is_told(effect.cause)]
            self._in_risks.update((place, path) for path in told for place in effect.places)
            fields = tuple(field for field in effect.fields if not _is_hidden(field) and field.path not in told)
            if fields:
                shown = effect if len(fields) == len(effect.fields) else msgspec.structs.replace(effect, fields=fields)
                (found.setdefault(_line(shown.cause), []) if shown.cause else others).append(shown)
        known = [SharedChange(some[0].cause, tuple(some)) for some in found.values()]
        return [*known, *(SharedChange(None, (effect,)) for effect in others)]

    def _record(self, change: SharedChange) -> None:
        is_shared = bool(self.shared) and self.shared[-1] is change
        for effect in change.effects:
            for place in effect.places:
                if is_shared:
                    shown = self._shown.setdefault(place, {})
                    for field in effect.fields:
                        shown.setdefault(field.path, []).append(field)
                elif change.cause:
                    self._causes.update({(place, field.path): change.cause for field in effect.fields})


_Line = tuple[str, int, str]


def _line(cause: Cause) -> _Line:
    return cause.file, cause.line, cause.side


def _is_hidden(field: FieldChange) -> bool:
    """Return whether a field says only who set a limit."""
    return is_limit(field) and field.path.endswith(".by")
