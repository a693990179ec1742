"""Schedules, dates and params of a pipeline."""

from __future__ import annotations

import warnings
from datetime import datetime

import pytest
from croniter import croniter
from written import ENVIRONMENT, Written, built, problems, said

from dag_factory.config.model import Cron, Every, Manual, Param, Preset
from dag_factory.config.pipelines.pipeline_model import DEFAULT_START_DATE
from dag_factory.config.pipelines.schedule import describe_cron

JOBS = "\njobs: {a: {}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'0 3 * * *'", Cron(expressions=("0 3 * * *",))),
        ("0 8 * * mon-fri", Cron(expressions=("0 8 * * mon-fri",))),
        ("0 0 29 2 *", Cron(expressions=("0 0 29 2 *",))),
        ("0 0 L * *", Cron(expressions=("0 0 L * *",))),
        ("0 3 15W * *", Cron(expressions=("0 3 15W * *",))),
        ("'@daily'", Preset(name="@daily")),
        ("{every: 90m}", Every(seconds=5400)),
        ("{cron: 0 3 * * *}", Cron(expressions=("0 3 * * *",))),
        ("{cron: [0 3 * * *, 0 5 * * 6]}", Cron(expressions=("0 3 * * *", "0 5 * * 6"))),
        ("null", Manual()),
        ("", Manual()),
    ],
)
def test_a_valid_schedule(text: str, expected: object) -> None:
    assert built(f"schedule: {text}{JOBS}").schedule == expected


def test_no_schedule_is_manual() -> None:
    assert built(JOBS).schedule == Manual()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60 * * * *", "bad-cron 1:11 schedule"),
        ("0 3 * *", "bad-cron 1:11 schedule"),
        ("0 0 3 * * *", "bad-cron 1:11 schedule"),
        ("every day", "bad-cron 1:11 schedule"),
        ("0 0 31 2 *", "bad-cron 1:11 schedule"),
        ("R R * * *", "bad-cron 1:11 schedule"),
        ("H 0 * * *", "bad-cron 1:11 schedule"),
        ("0 3 15W * 1", "bad-cron 1:11 schedule"),
        ("0 3 w15 * mon", "bad-cron 1:11 schedule"),
        ("none", "bad-schedule 1:11 schedule"),
        ("'@midnight'", "bad-schedule 1:11 schedule"),
        ("'@dayly'", "bad-schedule 1:11 schedule"),
        ("{cron: [0 3 * * *, nope]}", "bad-cron 1:30 schedule.cron[1]"),
        ("{every: 0s}", "bad-duration 1:19 schedule.every"),
        ("{every: day}", "bad-duration 1:19 schedule.every"),
        ("'@continuous'", "bad-schedule 1:11 schedule"),
    ],
)
def test_an_invalid_schedule(text: str, expected: str) -> None:
    assert problems(f"schedule: {text}{JOBS}") == [expected]


def test_continuous_needs_one_active_run() -> None:
    assert built(f"schedule: '@continuous'\nmax_active_runs: 1{JOBS}").schedule == Preset(name="@continuous")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("@dayly", "`@daily`"),
        ("@midnight", "`@daily`"),
        ("@annually", "`@yearly`"),
        ("none", "`null`"),
        ("Manual", "`null`"),
        ("@none", "`null`"),
    ],
)
def test_a_word_has_a_suggestion(text: str, hint: str) -> None:
    text_shown = said(f"schedule: '{text}'{JOBS}")
    assert hint in text_shown.split(" -- ")[1] and "fields" not in text_shown


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("daily", '`"@daily"`'),
        ("Weekly", '`"@weekly"`'),
        ("hourly", '`"@hourly"`'),
        ("annually", '`"@yearly"`'),
        ("every day", '`"@daily"`'),
        ("every 1 hour", '`"@hourly"`'),
        ("12h", "`{every: 12h}`"),
        ("2 days", "`{every: 2d}`"),
        ("every 15 minutes", "`{every: 15m}`"),
        ("every 2 weeks", "`{every: 14d}`"),
    ],
)
def test_words_and_intervals_suggest_a_schedule_that_is_valid(text: str, meant: str) -> None:
    assert said(f"schedule: {text}{JOBS}").split(" -- ")[1].strip() == f"use {meant}"
    assert problems(f"schedule: {meant.strip('`')}{JOBS}".replace('"', "'")) == []


@pytest.mark.parametrize("text", ["sometimes", "every blue moon", "0 3 * *", "5"])
def test_other_words_show_the_five_fields(text: str) -> None:
    assert "five fields" in said(f"schedule: '{text}'{JOBS}")


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("0 25 * * *", "the hour 25 is out of range; it must be from 0 to 23"),
        ("60 3 * * *", "the minute 60 is out of range; it must be from 0 to 59"),
        ("0 3 0 * *", "the day of the month 0 is out of range; it must be from 1 to 31"),
        ("0 3 * 1,13 *", "the month 13 is out of range; it must be from 1 to 12"),
        ("0 3 * * 1-8", "the day of the week 8 is out of range; it must be from 0 to 7"),
    ],
)
def test_a_cron_field_out_of_range_is_named(cron: str, reason: str) -> None:
    assert reason in said(f"schedule: {cron}{JOBS}")


@pytest.mark.parametrize("cron", ["*/90 3 * * *", "0 3 L * *", "0 3 * * 5#2", "0 3 * jan-dec sun", "0 3 15W * *"])
def test_a_cron_field_in_range_is_not_named(cron: str) -> None:
    assert "out of range" not in said(f"schedule: '{cron}'{JOBS}")


def test_the_nearest_weekday_excludes_a_day_of_the_week() -> None:
    times = croniter("0 3 15W * *", datetime(2026, 8, 1))  # the 15th of August is a Saturday, of November a Sunday
    assert [times.get_next(datetime).day for _ in range(4)] == [14, 15, 15, 16]


def test_descriptions_do_not_depend_on_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getlocale", lambda *_: (None, None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert describe_cron.__wrapped__("0 3 * * *") == "At 03:00"


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+3"])
def test_a_valid_timezone(name: str) -> None:
    assert built(f"timezone: {name}{JOBS}").timezone == name


@pytest.mark.parametrize("name", ["Europe/Berlim", "Europe", "../UTC", "/etc/passwd", "CETT", "''", "5"])
def test_an_invalid_timezone(name: str) -> None:
    assert problems(f"timezone: {name}{JOBS}") == ["bad-timezone 1:11 timezone"]


def test_a_timezone_has_a_suggestion() -> None:
    assert "`Europe/Berlin`" in said(f"timezone: Europe/Berlim{JOBS}")


@pytest.mark.parametrize("text", ["2026-01-31", "2024-02-29", "2026-01-31T06:00", "2026-01-31 06:00:00+02:00"])
def test_a_valid_date(text: str) -> None:
    assert built(f"start_date: {text}{JOBS}").start_date == text


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2025-02-29", "31.1.2026", "2026-1-1", "20260131", "now", "2026-01-31T25:00"]
)
def test_an_invalid_date(text: str) -> None:
    assert problems(f"start_date: {text}{JOBS}") == ["bad-date 1:13 start_date"]


def test_the_end_cannot_be_before_the_start() -> None:
    assert problems(f"start_date: 2026-02-01\nend_date: 2026-01-01{JOBS}") == ["bad-date 2:11 end_date"]
    environments = {"dev": "version: 1\ndefaults: {pipeline: {start_date: 2026-02-01}}\n"}
    assert Written(f"end_date: 2026-01-01{JOBS}", environments=environments).problems() == ["bad-date 1:11 end_date"]


def test_the_environment_sets_defaults() -> None:
    environment = "version: 1\ntimezone: Europe/Berlin\ndefaults: {pipeline: {start_date: 2026-01-01}}\n"
    found = Written(JOBS, environments={"dev": environment, "bare": ENVIRONMENT})
    assert (found.built().timezone, found.built().start_date) == ("Europe/Berlin", "2026-01-01")
    assert (found.built("bare").timezone, found.built("bare").start_date) == ("UTC", DEFAULT_START_DATE)


def test_an_environment_can_pause_or_disable_schedules() -> None:
    environments = {name: f"version: 1\nschedules: {name}\n" for name in ("run", "paused", "manual")}
    written = Written(f"schedule: '@daily'{JOBS}", environments=environments)
    assert [written.built(name).schedule == Manual() for name in environments] == [False, False, True]
    assert [written.built(name).paused for name in environments] == [False, True, False]
    assert Written(f"paused: false{JOBS}", environments=environments).built("paused").paused is False


def test_the_model_names_the_file_that_disables_a_schedule() -> None:
    environments = {
        "base": "version: 1\nschedules: manual\n",
        "dev": "version: 1\nextends: base\n",
        "prod": ENVIRONMENT,
    }
    found = Written(f"schedule: '@daily'\nonly: [dev, prod]{JOBS}", environments=environments)
    assert found.built("dev").schedule_off == "configs/platform/environments/base.yaml"
    assert found.built("dev").only == ("dev", "prod")
    assert found.built("prod").schedule_off is None
    bare = Written(JOBS, environments=environments).built("dev")
    assert (bare.schedule_off, bare.only) == (None, ())


def test_params_are_defaults_or_schemas() -> None:
    text = "params: {a: 1, b: text, c: {type: integer, default: 5, minimum: 1, description: Five}, d: {type: string}}"
    assert built(text + JOBS).params == (
        Param(name="a", schema={"type": "integer"}, default=1),
        Param(name="b", schema={"type": "string"}, default="text"),
        Param(name="c", schema={"type": "integer", "minimum": 1}, default=5, description="Five"),
        Param(name="d", schema={"type": "string"}, required=True),
    )


@pytest.mark.parametrize(
    ("param", "kind"),
    [
        ("5", "integer"),
        ("5.0", "number"),
        ("true", "boolean"),
        ("DE", "string"),
        ("''", ["string", "null"]),
        ("{default: [DE]}", "array"),
        ("{default: {a: 1}}", "object"),
        ("{default: 1, minimum: 0}", "integer"),
        ("{default: 1, multipleOf: 0.5}", "number"),
        ("{type: number, default: 1}", "number"),
        ("{default: null}", None),
        ("{enum: [1, a], default: 1}", None),
        ("{title: x}", None),
    ],
)
def test_a_param_has_the_type_of_its_default(param: str, kind: object) -> None:
    assert built(f"params: {{a: {param}}}{JOBS}").params[0].schema.get("type") == kind


@pytest.mark.parametrize("param", ["no", "Off", "yes", "{default: on, title: x}"])
def test_a_word_for_a_boolean_is_a_warning(param: str) -> None:
    (problem,) = Written(f"params: {{a: {param}}}{JOBS}").compiled().problems
    assert (problem.code, problem.severity) == ("text-boolean", "warning")
    assert "write `true`" in problem.hint or "write `false`" in problem.hint


@pytest.mark.parametrize(
    "param", ["false", "nope", "NO", "{type: string, default: no}", "{enum: [on, off], default: on}"]
)
def test_other_text_is_not_a_boolean(param: str) -> None:
    assert problems(f"params: {{a: {param}}}{JOBS}") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{type: integer, default: x}", "bad-default 1:38 params.a.default"),
        ("{type: integer, default: 5, maximum: 3}", "bad-default 1:38 params.a.default"),
        ("{enum: [a, b], default: c}", "bad-default 1:37 params.a.default"),
        ("{type: string, format: date, default: 2026-02-30}", "bad-default 1:51 params.a.default"),
        ("{type: string, pattern: '(', default: x}", "bad-param 1:10 params.a"),
        ("{type: array, items: {type: word}, default: []}", "bad-param 1:10 params.a"),
        ("{type: word, default: x}", "bad-value 1:20 params.a.type"),
        ("{required: true}", "unknown-key 1:14 params.a.required"),
        ("[1]", "wrong-type 1:13 params.a"),
    ],
)
def test_an_invalid_param(text: str, expected: str) -> None:
    assert problems(f"params: {{a: {text}}}{JOBS}") == [expected]


@pytest.mark.parametrize("param", ["{type: integer}", "{type: integer, default: null}", "{enum: [x]}"])
def test_a_scheduled_run_needs_defaults(param: str) -> None:
    assert problems(f"params: {{a: {param}}}{JOBS}") == []
    assert problems(f"schedule: '@daily'\nparams: {{a: {param}}}{JOBS}") == ["required-param 2:10 params.a"]
    assert problems(f"params: {{a: {param}}}{JOBS}environments: {{dev: {{schedule: '@daily'}}}}") == [
        "required-param 1:10 params.a"
    ]


def test_null_removes_a_param_in_an_environment() -> None:
    found = built("params: {a: 1, b: 2}\njobs: {a: {}}\nenvironments: {dev: {params: {a: null}}}\n")
    assert [param.name for param in found.params] == ["b"]


def test_a_default_of_null_is_a_value() -> None:
    param = "{type: ['null', string], default: null}"
    assert built(f"schedule: '@daily'\nparams: {{a: {param}}}{JOBS}").params[0].required is False
