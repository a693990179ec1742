"""Time zones: the names that every machine knows."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.tree import Node, Scalar


def check_timezone(node: Node | None, path: KeyPath) -> list[Problem]:
    """A problem if the value is not a name of the time zone database."""
    if not isinstance(node, Scalar) or node.value is None or is_timezone(node.text):
        return []
    hint = did_you_mean(node.text, _zone_names()) or "use a name such as `Europe/Berlin` or `UTC`"
    return [Problem.at(node.position, path, "bad-timezone", f"{show(node.text)} is not a time zone", hint)]


_MACHINE_SPECIFIC = frozenset(("localtime", "posixrules", "Factory"))
_OTHER_CLOCKS = ("posix/", "right/")


@lru_cache(256)
def is_timezone(name: str) -> bool:
    """Whether the time zone database has the name, with the same meaning on every machine."""
    if name in _MACHINE_SPECIFIC or name.startswith(_OTHER_CLOCKS):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)


@lru_cache(1)
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(zoneinfo.available_timezones()))
