"""Times in the formats of the API."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def now() -> str:
    """The current time in whole seconds, as in ``creationTimestamp``: ``2026-11-21T21:30:36Z``."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_micro() -> str:
    """The current time in microseconds, as in an event's ``eventTime``."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def at(seconds: float) -> str:
    """A time given in seconds since 1970."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> float:
    """The seconds since 1970 of an RFC 3339 time. Accepts fractions of any length. Raises ValueError."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text.strip())
    if not match:
        raise ValueError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    zone = "+00:00" if match[3] in "Zz" else match[3]
    seconds = datetime.fromisoformat(match[1].upper() + zone).timestamp()
    return seconds + float(match[2] or 0)
