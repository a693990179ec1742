"""Limits that allow more than before, in each environment and for each team."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from dag_factory.config.guard_rules import Bound, Guards, Limit, Rule
from dag_factory.config.ids import FileId
from dag_factory.config.platform import teams
from dag_factory.config.platform.tables import Tables
from dag_factory.config.pod.security_standards import LEVELS
from dag_factory.config.tree import Scalar
from dag_factory.config.units import quantity
from dag_factory.plan.model import Cause

_SHOWN = 5


class Loosened(msgspec.Struct, frozen=True):
    """One limit that allows more. ``team`` is empty for a limit of the whole environment."""

    sentence: str
    team: str
    cause: Cause | None


def find(before: Tables, after: Tables, teams_with_pipelines: Iterable[str]) -> Iterator[Loosened]:
    """Every limit of one environment that allows more. ``teams_with_pipelines`` are folders."""
    for sentence, cause in compare(before.guards, after.guards):
        yield Loosened(sentence, "", cause)
    if (default := _deny(before)) and not _deny(after):
        cause = Cause(default.position.file, default.position.line, default.position.column, "default team", "before")
        sentence = "Folders without a team may have pipelines: `default: deny` is removed."
        yield Loosened(sentence, "", cause)
    known = set(before.teams.known)
    for team in sorted({*known, *(name for name in after.teams.known if name in set(teams_with_pipelines))}):
        old, new = (_team_guards(tables, team) for tables in (before, after))
        if old is not None and new is not None:
            for sentence, cause in compare(old, new):
                yield Loosened(sentence, team, cause)


def compare(before: Guards, after: Guards) -> Iterator[tuple[str, Cause | None]]:
    """Sentences about what ``after`` allows and ``before`` does not, each with the line that allows it."""
    yield from _lists("images", before.images, after.images)
    yield from _lists("flavors", before.flavors, after.flavors)
    for key, rules in before.allow.items():
        yield from _lists(key, rules, after.allow.get(key, ()))
    if before.forbid_latest and not after.forbid_latest:
        yield _removed(before.forbid_latest, "`forbid_latest` is off, so images may have the tag `latest`")
    yield from _amounts(before.limits, after.limits)
    yield from _bounds(before.bounds, after.bounds)
    yield from _require(before.require, after.require)
    if before.pod_security and before.pod_security.words[0] in LEVELS:
        level = after.pod_security.words[0] if after.pod_security else LEVELS[0]
        if LEVELS.index(level) < LEVELS.index(before.pod_security.words[0]):
            old = before.pod_security.words[0]
            if after.pod_security:
                yield _changed(after.pod_security, f"`pod_security` is `{level}`; it was `{old}`")
            else:
                text = f"`pod_security: {old}` is removed, so pods may have any privileges"
                yield _removed(before.pod_security, text)


def _lists(key: str, before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[tuple[str, Cause | None]]:
    """Lists of patterns. All lists apply together, so a list that is not there any more allows everything."""
    for rule in before:
        if any(not _added(rule, other) for other in after):
            continue
        same = [other for other in after if other.by == rule.by]
        if same:
            added = min((_added(rule, other) for other in same), key=len)
            yield _changed(same[0], f"`{key}` also allows {_names(added)}")
        else:
            yield _removed(rule, f"the list `{key}` is removed, so everything is allowed")


def _added(rule: Rule, other: Rule) -> list[str]:
    """The patterns of ``other`` that match more than ``rule`` does."""
    return [word for word in other.words if not any(word == own or fnmatchcase(word, own) for own in rule.words)]


def _names(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
    return ", ".join(f"`{word}`" for word in words[:_SHOWN]) + more


def _amounts(before: dict[str, Limit], after: dict[str, Limit]) -> Iterator[tuple[str, Cause | None]]:
    for key, limit in before.items():
        new = after.get(key)
        if new is None:
            yield _removed(limit, f"the maximum of `{key}`, `{limit.most}`, is removed")
        elif (quantity(new.most) or 0) > (quantity(limit.most) or 0):
            yield _changed(new, f"the maximum of `{key}` is `{new.most}`; it was `{limit.most}`")


def _bounds(before: dict[str, Bound], after: dict[str, Bound]) -> Iterator[tuple[str, Cause | None]]:
    for key, bound in before.items():
        new = after.get(key)
        if new is None:
            yield _removed(bound, f"the limit `{key}: {bound.text}` is removed")
        elif (new.most < bound.most) if key == "min_schedule_interval" else (new.most > bound.most):
            yield _changed(new, f"the limit `{key}` is `{new.text}`; it was `{bound.text}`")


def _require(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[tuple[str, Cause | None]]:
    still = {word for rule in after for word in rule.words}
    for rule in before:
        dropped = [word for word in rule.words if word not in still]
        if dropped:
            same = next((other for other in after if other.by == rule.by), None)
            words = f"{_names(dropped)} {'is' if len(dropped) == 1 else 'are'} not required any more"
            yield _changed(same, words) if same else _removed(rule, words)


def _changed(rule: Any, words: str) -> tuple[str, Cause | None]:
    return _sentence(rule.by, words), _cause(rule, "after")


def _removed(rule: Any, words: str) -> tuple[str, Cause | None]:
    return _sentence(rule.by, words), _cause(rule, "before")


def _sentence(by: str, words: str) -> str:
    return f"{by[:1].upper()}{by[1:]}: {words}."


def _cause(rule: Any, side: Any) -> Cause:
    layer = rule.by.removeprefix("the ").replace("`", "")
    return Cause(rule.file, rule.line, 1, layer, side)


def _deny(tables: Tables) -> Scalar | None:
    """The `deny` of the default team."""
    default = tables.teams.default if isinstance(tables.teams, teams.Teams) else None
    return default if isinstance(default, Scalar) and default.value == teams.DENY else None


def _team_guards(tables: Tables, team: str) -> Guards | None:
    """The limits of a folder's own teams, without those of the environment; None if they are not known."""
    file_id = FileId(f"{team.replace('/', '.')}.pipeline")
    name = f"configs/pipelines/{team}/pipeline.yaml"
    identity = {"id": str(file_id), "team": team.split("/")[0], "name": "pipeline"}
    context = {"vars": tables.vars, "environment": tables.environment, "pipeline": identity}
    found, problems = teams.team_of_file(file_id, tables.teams, context, name)
    return None if problems else found.guards
