"""When a pipeline runs: ``schedule``, ``timezone``, ``start_date`` and ``end_date``, checked and as a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache

from dag_factory.config import model
from dag_factory.config.jobs import assets
from dag_factory.config.pipelines.schedule_suggestions import meant, out_of_range
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, is_set
from dag_factory.config.units import seconds

PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_LONGEST_INTERVAL = 3660 * 24 * 3600  # seconds: from the last year of a start it leads to a date that databases hold
_DESCRIBED = 950  # characters that Airflow's database takes of what a schedule means in words, less its own beside them
_CHANCE = re.compile(r"(?<![a-z])[rh](?![a-z])", re.IGNORECASE)
_NEAREST = re.compile(r"\d+w|w\d+", re.IGNORECASE)
_BY_HAND = frozenset(("none", "manual", "off", "never", "false"))
_FIELDS = "five fields: minute hour day-of-month month day-of-week, as `0 3 * * *` (each day at three)"


def schedule(node: Node | None, path: KeyPath) -> tuple[model.Schedule, list[Problem]]:
    """The schedule that a node says; none and null are a start by hand."""
    if not is_set(node):
        return model.Manual(), []
    if isinstance(node, Scalar):
        text = str(node.value)
        if text in PRESETS:
            return model.Preset(name=text), []
        if text.startswith("@"):
            told = f"{show(text)} is no preset", did_you_mean(text, PRESETS)
            return model.Manual(), [Problem.at(node.position, path, "bad-schedule", *told)]
        if text.lower() in _BY_HAND:
            told = f"{show(text)} is no schedule", "write `null` for a pipeline that is started by hand"
            return model.Manual(), [Problem.at(node.position, path, "bad-schedule", *told)]
        return _crons((node,), path)
    if isinstance(node, MapNode):
        every, cron = node.get("every"), node.get("cron")
        updated = node.get("assets")
        if isinstance(every, Scalar):
            interval = seconds(every.text)
            if interval and interval <= _LONGEST_INTERVAL:
                return model.Every(seconds=interval), []
            message = f"{show(every.text)} is {'longer than ten years' if interval else 'no interval'}"
            return model.Manual(), [
                Problem.at(every.position, (*path, "every"), "bad-schedule", message, "as 12h or 30m")
            ]
        items = cron.items if isinstance(cron, ListNode) else (cron,)
        times, problems = _crons(tuple(item for item in items if isinstance(item, Scalar)), (*path, "cron"))
        if updated is not None:
            problems += assets.check(updated, (*path, "assets"))
            return model.Assets(rule=assets.rule(updated), cron=times.expressions), problems
        if times.expressions:
            return times, problems
    return model.Manual(), []


def _crons(found: tuple[Scalar, ...], path: KeyPath) -> tuple[model.Cron, list[Problem]]:
    problems = []
    for node in found:
        reason = cron_problem(str(node.value))
        if reason:
            message = f"{show(str(node.value))} is not a valid cron expression: {reason}"
            hint = meant(str(node.value)) if path == ("schedule",) else ""
            problems.append(Problem.at(node.position, path, "bad-cron", message, hint or _FIELDS))
    if not problems and found:
        length = sum(len(described(str(node.value))) + 2 for node in found)
        if length > _DESCRIBED:
            message = f"in words, as Airflow keeps it, this takes {length} characters, more than its database takes"
            hint = "write ranges and steps, as `*/5` and `1-5`, or divide the pipeline"
            problems.append(Problem.at(found[0].position, path, "bad-schedule", message, hint))
    return model.Cron(expressions=tuple(str(node.value) for node in found)), problems


@lru_cache(4096)
def cron_problem(expression: str) -> str:
    """Why a text is no cron expression that Airflow takes, or nothing."""
    from croniter import croniter  # heavy; only files with a cron pay for it

    fields = expression.split()
    if len(fields) != 5:
        return f"it has {len(fields)} field{'s' * (len(fields) != 1)}, not five"
    if _CHANCE.search(expression):
        return "R and H stand for a time by chance"
    if _NEAREST.fullmatch(fields[2]) and fields[4] not in ("*", "?"):
        return "W, the weekday nearest a day, stands alone: Airflow would forget the day of the week beside it"
    if wrong := out_of_range(expression):
        return wrong
    try:
        croniter(expression, datetime(2024, 1, 1)).get_next()
    except (ValueError, KeyError, AttributeError, TypeError, IndexError) as failure:
        reason = str(failure).split("] ")[-1].replace("failed to find next date", "there is no such day")
        return reason[:120] or "it is malformed"
    try:
        described(expression)
    except Exception as failure:  # by whatever of it: Airflow would stumble over it where it keeps the DAG
        return str(failure)[:120] or "it cannot be put into words"
    return ""


@lru_cache(4096)
def described(expression: str) -> str:
    """A cron expression in words, as Airflow has them: with a day of the month and one of the week, twice."""
    from cron_descriptor import Options, get_description  # as croniter

    options = Options(locale_code="en_US")  # the machine's is asked for otherwise, with a warning where it has none
    options.use_24hour_time_format = True
    minute, hour, day, month, weekday = expression.split()
    ways = [(day, weekday)] if "*" in (day, weekday) else [(day, "*"), ("*", weekday)]
    return " (or) ".join(get_description(" ".join((minute, hour, d, month, w)), options) for d, w in ways)


def check_date(node: Node | None, path: KeyPath) -> list[Problem]:
    """A problem where the value is no ISO 8601 date or date with time."""
    if not isinstance(node, Scalar) or node.value is None or moment(node.text) is not None:
        return []
    hint = "as 2026-01-31 or 2026-01-31T06:00:00"
    return [Problem.at(node.position, path, "bad-date", f"{show(node.text)} is no date", hint)]


def check_years(start: Node | None, end: Node | None) -> Iterator[Problem]:
    """A start that databases cannot hold, or an end so far that Airflow, in computing with it, leaves the calendar."""
    for key, node, last, hint in (
        ("start_date", start, 2037, "a year that every database of Airflow's can hold"),
        ("end_date", end, 2999, "leave it out where there is no end"),
    ):
        when = moment(node.text) if isinstance(node, Scalar) else None
        if node is not None and when and not 1970 <= when.year <= last:
            yield Problem.at(node.position, (key,), "bad-date", f"the year is not one from 1970 to {last}", hint)


def check_order(start: Node | None, end: Node | None, path: KeyPath) -> list[Problem]:
    """A problem where a pipeline would end before it begins."""
    if isinstance(start, Scalar) and isinstance(end, Scalar):
        first, last = moment(start.text), moment(end.text)
        if first and last and last.replace(tzinfo=None) < first.replace(tzinfo=None):
            message = f"the end {end.text} lies before the start {start.text}"
            return [Problem.at(end.position, path, "bad-date", message, "with this no run ever starts")]
    return []


def moment(text: str) -> datetime | None:
    """A date or a date with time, or None where the text is neither."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day)
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
