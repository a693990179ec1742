"""Values that would fail in Airflow, its database or its scheduler, and affect every DAG of the loader.

Airflow stores all DAGs of a file in one transaction. A text longer than its column, a number or a date out of range, or
an asset name that is not ASCII makes it store none of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from commits import GOOD, HEAD, codes_of, write

from dag_factory.config import open_project
from dag_factory.settings import BOUNDS

FAR = "9999-12-31"
LONG = ", ".join(["WED"] * 200).replace(" ", "")

TEXTS: dict[str, tuple[str, str, int]] = {
    "a start in the year 1": (GOOD + "start_date: 0001-01-01\n", "bad-date", 3),
    "a start in the year 2050": (GOOD + "start_date: 2050-01-01\n", "bad-date", 3),
    "a start at the end of the calendar": (GOOD + f"start_date: {FAR}\nschedule: '@daily'\n", "bad-date", 3),
    "an end at the end of the calendar": (GOOD + f"end_date: {FAR}T23:59:59-12:00\n", "bad-date", 3),
    "an interval of a century": (GOOD + "schedule: {every: 36600d}\n", "bad-schedule", 3),
    "a schedule with a description over the limit": (GOOD + f"schedule: '0 0 * * {LONG}'\n", "bad-schedule", 3),
    "a thousand cron expressions": (
        GOOD + f"schedule: {{cron: [{', '.join(f'{n % 60} {n // 60} * * *' for n in range(1_000))}]}}\n",
        "bad-schedule",
        3,
    ),
    "max_active_runs over 32 bits": (GOOD + "max_active_runs: 2147483648\n", "too-large", 3),
    "a long owner": (GOOD + f"owner: {'x' * 501}\n", "too-large", 3),
    "owners that are too long together": (
        GOOD + f"owner: [{', '.join(f'{n:090}'.replace('0', 'x') for n in range(1, 7))}]\n",
        "too-large",
        3,
    ),
    "many owners": (GOOD + f"owner: [{', '.join(f'owner-{n}' for n in range(21))}]\n", "too-large", 3),
    "a weight whose sum exceeds 32 bits": (HEAD + "  a: {priority_weight: 2147484}\n", "too-large", 4),
    "a weight whose sum is below 32 bits": (HEAD + "  a: {priority_weight: -2147484}\n", "too-small", 4),
    "a timeout of zero": (HEAD + "  a: {timeout: 0h0m}\n", "bad-duration", 4),
    "a timeout over 32 bits": (HEAD + "  a: {timeout: 24856d}\n", "bad-duration", 4),
    "a long tag": (GOOD + f"tags: [{'x' * 101}]\n", "too-large", 3),
    "many tags": (GOOD + f"tags: [{', '.join(f't{n}' for n in range(101))}]\n", "too-large", 3),
    "a long description": (GOOD + f"description: {'x' * 2_001}\n", "too-large", 3),
    "NUL in a description": (GOOD + 'description: "a\\0b"\n', "bad-value", 3),
    "NUL in an argument": (HEAD + '  a: {args: ["a\\0b"]}\n', "bad-value", 4),
    "NUL in a key": (GOOD + 'params: {a: {type: object, default: {"a\\0b": 1}}}\n', "bad-value", 3),
    "too many assets": (
        HEAD + f"  a: {{outlets: [{', '.join(f's{n}' for n in range(1_001))}]}}\n",
        "too-many-assets",
        1,
    ),
    "the time zone of the machine": (GOOD + "timezone: localtime\n", "bad-timezone", 3),
    "a time zone with leap seconds": (GOOD + "timezone: right/UTC\n", "bad-timezone", 3),
    "a spread constraint without required keys": (
        HEAD + "  a: {pod: {spec: {topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1}]}}}\n",
        "missing-key",
        4,
    ),
    "too many mentions of assets": (
        HEAD.replace("{", "{outlets: [" + ", ".join(f"a{n}" for n in range(101)) + "], ", 1)
        + "".join(f"  j{n}: {{}}\n" for n in range(100)),
        "too-many-assets",
        1,
    ),
    "an asset with a name that is too long for an index": (
        HEAD + f"  a: {{outlets: [{'x' * 1_001}]}}\n",
        "bad-asset",
        4,
    ),
    "a URI that is too long for an index": (
        GOOD + f"schedule: {{assets: [{{name: a, uri: {'x' * 1_001}}}]}}\n",
        "bad-asset",
        3,
    ),
    "an asset that is not ASCII": (HEAD + "  a: {outlets: [Verkäufe]}\n", "bad-asset", 4),
    "an asset URI that is not ASCII": (
        HEAD + "  a: {outlets: [{name: sales, uri: 's3://verkäufe/x'}]}\n",
        "bad-asset",
        4,
    ),
    "an asset with two lines": (HEAD + '  a: {outlets: ["a\\nb"]}\n', "bad-asset", 4),
    "a matrix cell with a long name": (
        HEAD + f"  {'j' * 190}: {{matrix: {{k: [{'x' * 60}, y]}}}}\n",
        "bad-name",
        4,
    ),
    "no containers": (HEAD + "  a: {pod: {spec: {containers: null}}}\n", "no-base-container", 4),
    "no labels": (HEAD + "  a: {pod: {metadata: {labels: null}}}\n", "reserved-label", 4),
}


@pytest.mark.parametrize(("text", "code", "line"), TEXTS.values(), ids=TEXTS)
def test_values_that_fail_in_airflow_are_reported(home: Path, text: str, code: str, line: int) -> None:
    write(home, "pipelines/team/bad.yaml", text)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert [(problem.code, problem.line) for problem in found.problems] == [(code, line)]


def test_the_name_of_a_team_folder_is_limited(home: Path) -> None:
    write(home, f"pipelines/{'t' * 96}/bad.yaml", GOOD)
    write(home, f"pipelines/{'t' * 95}/fine.yaml", GOOD)
    found = open_project(home, "dev").compile_all()
    assert [one.name for one in found.pipelines] == ["good", "fine"]
    assert codes_of(found, "bad.yaml") == ["bad-name"]


def test_a_file_with_instances_has_the_same_limit_of_problems(home: Path) -> None:
    write(home, "platform/templates/pipelines/any/v1.yaml.j2", "version: 1\ninputs: {}\n---\n" + GOOD.split("\n", 1)[1])
    unknown = ", ".join(f"u{number}: 1" for number in range(20))
    instances = "".join(f"  m{number}: {{{unknown}}}\n" for number in range(100))
    write(home, "pipelines/team/bad.yaml", f"version: 1\ntemplate: any@v1\ninstances:\n{instances}")
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert len(codes_of(found, "bad.yaml")) == BOUNDS.problems_per_file + 1
    assert codes_of(found, "bad.yaml").count("too-many-problems") == 1
