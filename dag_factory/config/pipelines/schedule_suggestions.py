"""Suggestions for a word in place of a schedule, and for a cron field that is out of range."""

from __future__ import annotations

import re

_INTERVAL = re.compile(r"(?:every\s+|each\s+|@every\s+)?(?:(\d+)\s*)?([a-z]+)")
_UNITS = {
    **dict.fromkeys(("s", "sec", "second"), "s"),
    **dict.fromkeys(("m", "min", "minute"), "m"),
    **dict.fromkeys(("h", "hr", "hour"), "h"),
    **dict.fromkeys(("d", "day"), "d"),
    **dict.fromkeys(("w", "wk", "week"), "w"),
}
_PRESETS = {
    **dict.fromkeys(("hourly", "hour", "h"), "@hourly"),
    **dict.fromkeys(("daily", "day", "d", "nightly", "night", "midnight"), "@daily"),
    **dict.fromkeys(("weekly", "week", "w"), "@weekly"),
    **dict.fromkeys(("monthly", "month"), "@monthly"),
    **dict.fromkeys(("quarterly", "quarter"), "@quarterly"),
    **dict.fromkeys(("yearly", "annually", "year", "y"), "@yearly"),
    "once": "@once",
    "continuous": "@continuous",
}
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_NUMBER = re.compile(r"(?<![\w/])\d+(?![\w#])")


def suggest_schedule(text: str) -> str:
    """A hint with the schedule that a word such as `daily` or `2 hours` means; empty for any other text."""
    found = _INTERVAL.fullmatch(text.strip().lower())
    if not found:
        return ""
    number, word = found[1], found[2]
    single = word if word in _PRESETS else word.removesuffix("s")
    if single in _PRESETS and number in (None, "1"):
        return f'use `"{_PRESETS[single]}"`'
    unit = _UNITS.get(word) or _UNITS.get(single)
    if not unit:
        return ""
    if unit == "w":
        return f"use `{{every: {7 * int(number or 1)}d}}`"
    return f"use `{{every: {int(number or 1)}{unit}}}`" if int(number or 1) else ""


def find_field_out_of_range(expression: str) -> str:
    """The field of a cron expression that is out of range, with its range; empty if there is none."""
    for text, (name, low, high) in zip(expression.split(), _FIELDS, strict=False):
        for number in _NUMBER.findall(text):
            if not low <= int(number) <= high:
                return f"the {name} {number} is out of range; it must be from {low} to {high}"
    return ""
