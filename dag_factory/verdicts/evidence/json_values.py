"""Access to JSON of unknown quality. Nothing here raises: what is missing or of a wrong type is empty."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import msgspec

LONGEST = 2000
"""Characters of a text that is read from evidence."""

_SPACES = re.compile(r"\s+")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_GROUPS = re.compile(r"::(?:end)?group::")  # Airflow's UI would take the line for the head of a group


def parsed(value: object) -> object:
    """The value itself, or the value of a JSON text."""
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def map_of(value: object, *keys: str) -> dict[str, Any]:
    """The map at a path of keys."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def list_of(value: object, key: str, most: int = 200) -> list[Any]:
    """The first items of the list under a key."""
    found = value.get(key) if isinstance(value, dict) else None
    return found[:most] if isinstance(found, list) else []


def text_of(value: object, key: str) -> str:
    """The text under a key, on one line."""
    found = value.get(key) if isinstance(value, dict) else None
    return one_line(found) if isinstance(found, str) else ""


def lines_of(value: object, key: str) -> str:
    """The end of the text under a key, with its lines."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str):
        return ""
    return "\n".join(filter(None, map(one_line, found[-LONGEST:].splitlines())))


def whole_of(value: object, key: str) -> int | None:
    """The whole number under a key."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 2**63 else None


def texts_of(value: object, *keys: str) -> dict[str, str]:
    """The map at a path, with only its entries of texts and numbers, as Kubernetes writes quantities."""
    found = map_of(value, *keys)
    return {
        one_line(str(key)): one_line(str(item))
        for key, item in list(found.items())[:100]
        if isinstance(item, (str, int, float)) and not isinstance(item, bool)
    }


def time_of(value: object, key: str) -> float | None:
    """The RFC 3339 time under a key, in seconds since 1970."""
    found = value.get(key) if isinstance(value, dict) else None
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found.replace("Z", "+00:00"))
        except ValueError:
            return None
    if not isinstance(found, datetime):
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def one_line(text: str, most: int = LONGEST) -> str:
    """The text without line breaks, escape sequences, marks of log groups and characters that do not print."""
    text = _GROUPS.sub("", _ESCAPES.sub("", text[: 4 * most]))
    text = "".join(char if char.isprintable() else " " for char in text)
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= most else text[: most - 3] + "..."
