"""Costs: prices for an hour, and estimates for 30 days with statistics of past runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from two_sides import TODAY, changes, comparisons, compile_side, files

from dag_factory.plan.cost import REASONS, find_costs
from dag_factory.plan.model import EnvironmentCost
from dag_factory.plan.plan_error import PlanError
from dag_factory.plan.usage import JobUsage, Usage, read_usage

RUN = "jobs: {say: {command: [echo]}}\n"
LARGE = "jobs: {say: {command: [echo], resource_flavor: large}}\n"
DAILY = "schedule: '0 3 * * *'\n"
HOUR = Usage({("", "a.flow", "say"): JobUsage("a.flow", "say", 3600, 10)})


def costs(before: str, after: str, usage: Usage | None = None) -> list[EnvironmentCost]:
    pairs = comparisons(*(compile_side(files(flow=text), "dev") for text in (before, after)), "dev")
    return list(find_costs(pairs, [one.change for one in changes(pairs)], usage, TODAY))


def test_without_statistics_there_are_only_prices_for_an_hour() -> None:
    assert costs(DAILY + RUN, DAILY + LARGE) == [EnvironmentCost("dev", (0.1, 2.0), jobs=1)]


def test_with_statistics_a_job_costs_its_median_for_each_run_of_30_days() -> None:
    (found,) = costs(DAILY + RUN, DAILY + LARGE, HOUR)
    assert found.monthly == (pytest.approx(30 * 0.1), pytest.approx(30 * 2.0))
    assert found.not_estimable == {}


def test_a_schedule_changes_the_cost_of_all_jobs() -> None:
    (found,) = costs(DAILY + RUN, "schedule: '0 3,15 * * *'\n" + RUN, HOUR)
    assert found.monthly == (pytest.approx(3.0), pytest.approx(6.0))


def test_the_day_with_25_hours_has_25_runs() -> None:
    text = "timezone: Europe/Berlin\nend_date: 2026-03-29T23:30:00\nstart_date: 2026-03-29\nschedule: '@hourly'\n"
    (found,) = costs(text + RUN, text + LARGE, HOUR)
    assert found.monthly == (pytest.approx(2.3), pytest.approx(46))  # summer time begins: 23 hours


def test_items_that_are_known_are_counted() -> None:
    text = DAILY + "jobs: {say: {command: [echo], for_each: {list: [1, 2, 3]}%s}}\n"
    (found,) = costs(text % "", text % ", resource_flavor: large", HOUR)
    assert found.monthly == (pytest.approx(9.0), pytest.approx(180.0))


NOT_ESTIMABLE = {
    "manual": (RUN, LARGE),
    "asset": ("schedule: {assets: x}\n" + RUN, "schedule: {assets: x}\n" + LARGE),
    "@once": ("schedule: '@once'\n" + RUN, "schedule: '@once'\n" + LARGE),
    "@continuous": tuple("max_active_runs: 1\nschedule: '@continuous'\n" + one for one in (RUN, LARGE)),
    "paused": ("paused: true\n" + DAILY + RUN, "paused: true\n" + DAILY + LARGE),
    "run-time for_each": tuple(
        DAILY + f"params: {{p: {{type: array, default: [1]}}}}\njobs: {{say: {{command: [echo], for_each: "
        f"{{param: p}}, resource_flavor: {flavor}}}}}\n"
        for flavor in ("small", "large")
    ),
    "no price": (DAILY + RUN, DAILY + RUN.replace("command", "resource_flavor: free, command")),
    "no history": tuple(DAILY + text.replace("say", "other") for text in (RUN, LARGE)),
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_cannot_be_estimated_is_counted_and_not_zero(reason: str) -> None:
    before, after = NOT_ESTIMABLE[reason]
    (found,) = costs(before, after, HOUR)
    assert found.not_estimable == {reason: 1}
    assert found.monthly == (0, 0)


def test_unchanged_jobs_cost_nothing() -> None:
    assert costs(DAILY + RUN, DAILY + RUN, HOUR) == []


def test_the_history_of_the_environment_comes_first() -> None:
    own = JobUsage("a.flow", "say", 1800, 10, "dev")
    usage = Usage({**HOUR.jobs, ("dev", "a.flow", "say"): own})
    (found,) = costs(DAILY + RUN, DAILY + LARGE, usage)
    assert found.monthly == (pytest.approx(1.5), pytest.approx(30.0))


ENTRY = {"dag_id": "a.flow", "job": "say", "median_seconds": 12.5, "runs": 30}


def usage_file(folder: Path, document: Any) -> Path:
    path = folder / "usage.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def test_a_file_of_statistics_is_read(tmp_path: Path) -> None:
    found = read_usage(usage_file(tmp_path, {"version": 1, "jobs": [ENTRY]}))
    assert found.find("dev", ["a.flow"], "say") == JobUsage("a.flow", "say", 12.5, 30)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not valid JSON"),
        ('{"version": 1, "jobs": NaN}', "not valid JSON"),
        ([], "the document: "),
        ({"version": 2, "jobs": []}, "the version is 2, but this dagf reads version 1"),
        ({"version": 1}, '"jobs" is a required property'),
        ({"version": 1, "jobs": [{**ENTRY, "runs": -1}]}, "jobs[0].runs: "),
        ({"version": 1, "jobs": [ENTRY, {**ENTRY, "median_seconds": "9"}]}, "jobs[1].median_seconds: "),
        ({"version": 1, "jobs": [ENTRY, ENTRY]}, "jobs[1]: `say` of `a.flow` has an entry already, `jobs[0]`"),
        ({"version": 1, "jobs": [{**ENTRY, "currency": "EUR"}]}, "currency"),
    ],
)
def test_an_error_names_the_file_and_the_path(tmp_path: Path, document: Any, words: str) -> None:
    path = usage_file(tmp_path, document)
    with pytest.raises(PlanError) as failure:
        read_usage(path)
    assert words in str(failure.value)
    assert all(line.startswith(f"{path}: ") for line in str(failure.value).splitlines())


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="No such file"):
        read_usage(tmp_path / "usage.json")
