"""Values that Airflow, its database or its scheduler would stumble over, which every DAG of the loader would pay for.

Airflow keeps all DAGs of a file in one go: a text that is longer than its column, a number or a date that the
database does not hold, an asset that is no ASCII, and none of them is kept.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from commits import GOOD, HEAD, told, write

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
    "times that take more words than there is room": (GOOD + f"schedule: '0 0 * * {LONG}'\n", "bad-schedule", 3),
    "a thousand times": (
        GOOD + f"schedule: {{cron: [{', '.join(f'{n % 60} {n // 60} * * *' for n in range(1_000))}]}}\n",
        "bad-schedule",
        3,
    ),
    "runs at once beyond 32 bits": (GOOD + "max_active_runs: 2147483648\n", "too-large", 3),
    "a long owner": (GOOD + f"owner: {'x' * 501}\n", "too-large", 3),
    "owners that are long together": (
        GOOD + f"owner: [{', '.join(f'{n:090}'.replace('0', 'x') for n in range(1, 7))}]\n",
        "too-large",
        3,
    ),
    "many owners": (GOOD + f"owner: [{', '.join(f'owner-{n}' for n in range(21))}]\n", "too-large", 3),
    "a weight that 1,000 jobs bring over 32 bits": (HEAD + "  a: {priority_weight: 2147484}\n", "too-large", 4),
    "a weight that they bring below": (HEAD + "  a: {priority_weight: -2147484}\n", "too-small", 4),
    "a try's time that is over at once": (HEAD + "  a: {timeout: 0h0m}\n", "bad-duration", 4),
    "a try's time beyond 32 bits": (HEAD + "  a: {timeout: 24856d}\n", "bad-duration", 4),
    "a long tag": (GOOD + f"tags: [{'x' * 101}]\n", "too-large", 3),
    "many tags": (GOOD + f"tags: [{', '.join(f't{n}' for n in range(101))}]\n", "too-large", 3),
    "a long description": (GOOD + f"description: {'x' * 2_001}\n", "too-large", 3),
    "NUL in a description": (GOOD + 'description: "a\\0b"\n', "bad-value", 3),
    "NUL in an argument": (HEAD + '  a: {args: ["a\\0b"]}\n', "bad-value", 4),
    "NUL in a key": (GOOD + 'params: {a: {type: object, default: {"a\\0b": 1}}}\n', "bad-value", 3),
    "assets without end": (
        HEAD + f"  a: {{outlets: [{', '.join(f's{n}' for n in range(1_001))}]}}\n",
        "too-many-assets",
        1,
    ),
    "a time zone of the machine": (GOOD + "timezone: localtime\n", "bad-timezone", 3),
    "a time zone with leap seconds": (GOOD + "timezone: right/UTC\n", "bad-timezone", 3),
    "a constraint without its parts": (
        HEAD + "  a: {pod: {spec: {topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1}]}}}\n",
        "missing-key",
        4,
    ),
    "assets that are named again and again": (
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
    "an asset beyond ASCII": (HEAD + "  a: {outlets: [Verkäufe]}\n", "bad-asset", 4),
    "an asset's URI beyond ASCII": (HEAD + "  a: {outlets: [{name: sales, uri: 's3://verkäufe/x'}]}\n", "bad-asset", 4),
    "an asset of two lines": (HEAD + '  a: {outlets: ["a\\nb"]}\n', "bad-asset", 4),
    "a job in one of many cells with a long name": (
        HEAD + f"  {'j' * 190}: {{matrix: {{k: [{'x' * 60}, y]}}}}\n",
        "bad-name",
        4,
    ),
    "no containers": (HEAD + "  a: {pod: {spec: {containers: null}}}\n", "no-base-container", 4),
    "no labels": (HEAD + "  a: {pod: {metadata: {labels: null}}}\n", "reserved-label", 4),
}


@pytest.mark.parametrize(("text", "code", "line"), TEXTS.values(), ids=TEXTS)
def test_what_airflow_would_stumble_over_is_told(home: Path, text: str, code: str, line: int) -> None:
    write(home, "pipelines/team/bad.yaml", text)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert [(problem.code, problem.line) for problem in found.problems] == [(code, line)]


def test_a_teams_folder_is_no_longer_than_a_tag(home: Path) -> None:
    write(home, f"pipelines/{'t' * 96}/bad.yaml", GOOD)
    write(home, f"pipelines/{'t' * 95}/fine.yaml", GOOD)
    found = open_project(home, "dev").compile_all()
    assert [one.name for one in found.pipelines] == ["good", "fine"]
    assert told(found, "bad.yaml") == ["bad-name"]


def test_a_family_has_no_more_problems_than_another_file(home: Path) -> None:
    write(home, "platform/templates/pipelines/any/v1.yaml.j2", "version: 1\ninputs: {}\n---\n" + GOOD.split("\n", 1)[1])
    unknown = ", ".join(f"u{number}: 1" for number in range(20))
    members = "".join(f"  m{number}: {{{unknown}}}\n" for number in range(100))
    write(home, "pipelines/team/bad.yaml", f"version: 1\ntemplate: any@v1\ninstances:\n{members}")
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert len(told(found, "bad.yaml")) == BOUNDS.problems_per_file + 1
    assert told(found, "bad.yaml").count("too-many-problems") == 1
