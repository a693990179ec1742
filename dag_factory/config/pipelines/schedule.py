"""When a pipeline runs: ``schedule``, ``start_date`` and ``end_date``, checked and as a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache

from dag_factory.config import model
from dag_factory.config.jobs import assets
from dag_factory.config.pipelines.schedule_suggestions import find_field_out_of_range, suggest_schedule
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, is_set
from dag_factory.config.units import seconds

PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_MAX_INTERVAL = 3660 * 24 * 3600  # seconds; added to the last start date, it stays in the range of databases
_MAX_DESCRIPTION = 950  # characters of a description that fit into Airflow's database column with its own text
_RANDOM = re.compile(r"(?<![a-z])[rh](?![a-z])", re.IGNORECASE)
_NEAREST_WEEKDAY = re.compile(r"\d+w|w\d+", re.IGNORECASE)
_MANUAL_WORDS = frozenset(("none", "manual", "off", "never", "false"))
_NO_DAY = "this month has no such day"
_CRON_HINT = "use five fields, minute hour day-of-month month day-of-week, such as `0 3 * * *` (every day at 3:00)"


def read_schedule(node: Node | None, path: KeyPath) -> tuple[model.Schedule, list[Problem]]:
    """The schedule of a node, and its problems. A pipeline without a schedule is started manually."""
    if not is_set(node):
        return model.Manual(), []
    if isinstance(node, Scalar):
        text = str(node.value)
        if text in PRESETS:
            return model.Preset(name=text), []
        if text.startswith("@"):
            words = f"{show(text)} is not a schedule preset", did_you_mean(text, PRESETS)
            return model.Manual(), [Problem.at(node.position, path, "bad-schedule", *words)]
        if text.lower() in _MANUAL_WORDS:
            words = f"{show(text)} is not a schedule", "use `null` for a pipeline that is started by hand"
            return model.Manual(), [Problem.at(node.position, path, "bad-schedule", *words)]
        return _read_crons((node,), path)
    if isinstance(node, MapNode):
        every, cron = node.get("every"), node.get("cron")
        updated_assets = node.get("assets")
        if isinstance(every, Scalar):
            interval = seconds(every.text)
            if interval and interval <= _MAX_INTERVAL:
                return model.Every(seconds=interval), []
            message = f"{show(every.text)} is {'longer than ten years' if interval else 'not an interval'}"
            return model.Manual(), [
                Problem.at(
                    every.position, (*path, "every"), "bad-schedule", message, "use an interval such as `12h` or `30m`"
                )
            ]
        items = cron.items if isinstance(cron, ListNode) else (cron,)
        times, problems = _read_crons(tuple(item for item in items if isinstance(item, Scalar)), (*path, "cron"))
        if updated_assets is not None:
            problems += assets.check(updated_assets, (*path, "assets"))
            return model.Assets(rule=assets.read_rule(updated_assets), cron=times.expressions), problems
        if times.expressions:
            return times, problems
    return model.Manual(), []


def _read_crons(expressions: tuple[Scalar, ...], path: KeyPath) -> tuple[model.Cron, list[Problem]]:
    problems = []
    for node in expressions:
        reason = cron_problem(str(node.value))
        if reason:
            message = f"{show(str(node.value))} is not a valid cron expression: {reason}"
            hint = suggest_schedule(str(node.value)) if path == ("schedule",) else ""
            if str(node.value).startswith("@"):
                hint = "use a cron expression; a preset is allowed only as the whole `schedule`"
            elif reason == _NO_DAY:
                hint = "use a day that the month has"
            problems.append(Problem.at(node.position, path, "bad-cron", message, hint or _CRON_HINT))
    if not problems and expressions:
        length = sum(len(describe_cron(str(node.value))) + 2 for node in expressions)
        if length > _MAX_DESCRIPTION:
            message = (
                f"Airflow's description of this schedule is {length} characters long; the limit is {_MAX_DESCRIPTION}"
            )
            hint = "use ranges and steps such as `1-5` and `*/5`, or split the pipeline"
            problems.append(Problem.at(expressions[0].position, path, "bad-schedule", message, hint))
    return model.Cron(expressions=tuple(str(node.value) for node in expressions)), problems


@lru_cache(4096)
def cron_problem(expression: str) -> str:
    """The reason why Airflow rejects a cron expression; empty if it accepts it."""
    from croniter import croniter  # a slow import, only for files with a cron expression

    fields = expression.split()
    if len(fields) != 5:
        return f"it has {len(fields)} field{'s' * (len(fields) != 1)} instead of five"
    if _RANDOM.search(expression):
        return "the random fields R and H are not supported"
    if _NEAREST_WEEKDAY.fullmatch(fields[2]) and fields[4] not in ("*", "?"):
        return "W (the nearest weekday) cannot be used with a day of the week, which Airflow would ignore"
    if reason := find_field_out_of_range(expression):
        return reason
    try:
        croniter(expression, datetime(2024, 1, 1)).get_next()
    except (ValueError, KeyError, AttributeError, TypeError, IndexError) as failure:
        reason = str(failure).split("] ")[-1].replace("failed to find next date", _NO_DAY)
        return reason[:120] or "it is malformed"
    try:
        describe_cron(expression)
    except Exception as failure:  # any error: Airflow would fail with it when it stores the DAG
        return str(failure)[:120] or "Airflow cannot describe it"
    return ""


@lru_cache(4096)
def describe_cron(expression: str) -> str:
    """Airflow's description of a cron expression, in two parts if it limits both the day and the weekday."""
    from cron_descriptor import Options, get_description  # a slow import too

    options = Options(locale_code="en_US")  # not that of the machine, about which the library may warn
    options.use_24hour_time_format = True
    minute, hour, day, month, weekday = expression.split()
    ways = [(day, weekday)] if "*" in (day, weekday) else [(day, "*"), ("*", weekday)]
    return " (or) ".join(get_description(" ".join((minute, hour, d, month, w)), options) for d, w in ways)


def check_date(node: Node | None, path: KeyPath) -> list[Problem]:
    """A problem if the value is not an ISO 8601 date, with or without a time."""
    if not isinstance(node, Scalar) or node.value is None or parse_date(node.text) is not None:
        return []
    hint = "use a date such as 2026-01-31 or 2026-01-31T06:00:00"
    return [Problem.at(node.position, path, "bad-date", f"{show(node.text)} is not a valid date", hint)]


def check_years(start: Node | None, end: Node | None) -> Iterator[Problem]:
    """A start date that databases cannot store, or an end date so late that Airflow's date arithmetic overflows."""
    for key, node, last, hint in (
        ("start_date", start, 2037, "use a year that every Airflow database can store"),
        ("end_date", end, 2999, "remove it if there is no end"),
    ):
        when = parse_date(node.text) if isinstance(node, Scalar) else None
        if node is not None and when and not 1970 <= when.year <= last:
            yield Problem.at(node.position, (key,), "bad-date", f"the year must be from 1970 to {last}", hint)


def check_order(start: Node | None, end: Node | None, path: KeyPath) -> list[Problem]:
    """A problem if the end date is before the start date."""
    if isinstance(start, Scalar) and isinstance(end, Scalar):
        first, last = parse_date(start.text), parse_date(end.text)
        if first and last and last.replace(tzinfo=None) < first.replace(tzinfo=None):
            message = f"the end {end.text} is before the start {start.text}"
            return [
                Problem.at(end.position, path, "bad-date", message, "use a later end; otherwise no run ever starts")
            ]
    return []


def parse_date(text: str) -> datetime | None:
    """A date, with or without a time; None if the text is neither."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day)
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
