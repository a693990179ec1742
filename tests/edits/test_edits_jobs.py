"""Changes of jobs: their references follow, and what would break another job is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import unified_diff

import pytest

from dag_factory.edits import jobs
from dag_factory.edits.change import change
from dag_factory.edits.document import Document, parse
from dag_factory.edits.operations import Operation, Refused

TEXT = """\
version: 1
defaults: {docker_image: "python:3.12"}

jobs:
  # Reads the table.
  extract:
    script: python -m extract  # fast
    output: json

  train:
    matrix: {country: [de, fr]}
    depends_on: [extract]
    script: |
      train '{{ output("extract").rows }}' ${#output[@]}
    output: json

  check:
    depends_on:
      - extract  # first
      - train-de
    script: "check {{ output('train-de').loss }} {{ output(\\"extract\\") }}"

  clean:
    teardown: {of: extract}
    script: rm

  each:
    for_each: {output: train, as: ONE}
    script: echo

environments:
  dev:
    jobs:
      train: {timeout: 5m}
      check: {depends_on: [extract]}
"""


def changed(make: Callable[..., Iterable[Operation]], *arguments: object, text: str = TEXT) -> list[str]:
    """The lines that a change removes and adds."""
    after = change(text, list(make(parse(text), *arguments))).text
    lines = unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def refusal(make: Callable[..., Iterable[Operation]], *arguments: object, text: str = TEXT) -> str:
    with pytest.raises(Refused) as failure:
        change(text, list(make(parse(text), *arguments)))
    return str(failure.value)


def test_a_new_job_is_the_last_one() -> None:
    keys = {"depends_on": ["check"], "script": "echo 1\necho 2\n"}
    assert changed(jobs.add_job, "report", keys) == [
        "+  report:",
        "+    depends_on: [check]",
        "+    script: |",
        "+      echo 1",
        "+      echo 2",
        "+",
    ]


@pytest.mark.parametrize("end", ["", "jobs:\n", "jobs: {}\n", "jobs: null\n"])
def test_the_first_job(end: str) -> None:
    text = f"version: 1\n{end}"
    after = change(text, list(jobs.add_job(parse(text), "a", {"script": "echo"}))).text
    assert after == "version: 1\njobs:\n  a:\n    script: echo\n"


def test_a_copy_has_the_comments_of_the_job() -> None:
    after = change(TEXT, list(jobs.copy_job(parse(TEXT), "extract", "load"))).text
    lines = "    script: python -m extract  # fast\n    output: json\n\n"
    assert after == TEXT.replace(f"  extract:\n{lines}", f"  extract:\n{lines}  load:\n{lines}")


def test_a_renamed_job_is_renamed_where_the_file_refers_to_it() -> None:
    assert changed(jobs.rename_job, "extract", "read") == [
        *("-  extract:", "+  read:"),
        *("-    depends_on: [extract]", "+    depends_on: [read]"),
        """-      train '{{ output("extract").rows }}' ${#output[@]}""",
        """+      train '{{ output("read").rows }}' ${#output[@]}""",
        *("-      - extract  # first", "+      - read  # first"),
        """-    script: "check {{ output('train-de').loss }} {{ output(\\"extract\\") }}\"""",
        """+    script: "check {{ output('train-de').loss }} {{ output(\\"read\\") }}\"""",
        *("-    teardown: {of: extract}", "+    teardown: {of: read}"),
        *("-      check: {depends_on: [extract]}", "+      check: {depends_on: [read]}"),
    ]


def test_a_renamed_matrix_renames_its_cells() -> None:
    lines = changed(jobs.rename_job, "train", "fit")
    assert "+      - fit-de" in lines and "+      fit: {timeout: 5m}" in lines
    assert """+    script: "check {{ output('fit-de').loss }} {{ output(\\"extract\\") }}\"""" in lines


def test_a_reference_that_is_computed_is_not_renamed() -> None:
    text = TEXT + '  prod: {jobs: {check: {script: "{{ output(params.job) }}"}}}\n'
    assert refusal(jobs.rename_job, "extract", "read", text=text).startswith("line 36 has `output(...)` of a name")
    text = TEXT.replace("- train-de", '- "${{ vars.job }}"')
    assert refusal(jobs.rename_job, "extract", "read", text=text).startswith("line 20 has `${{ vars.job }}`")


def test_a_removed_job_takes_the_dependencies_on_it_along() -> None:
    assert changed(jobs.remove_job, "check") == [
        "-  check:",
        "-    depends_on:",
        "-      - extract  # first",
        "-      - train-de",
        """-    script: "check {{ output('train-de').loss }} {{ output(\\"extract\\") }}\"""",
        "-",
        "-      check: {depends_on: [extract]}",
    ]
    text = "version: 1\njobs:\n  a: {script: x}\n  b: {script: x, depends_on: [a]}\n  c:\n    depends_on: [a, b]\n"
    assert changed(jobs.remove_job, "a", text=text) == [
        *("-  a: {script: x}", "-  b: {script: x, depends_on: [a]}", "+  b: {script: x}"),
        *("-    depends_on: [a, b]", "+    depends_on: [b]"),
    ]


@pytest.mark.parametrize(
    "job, reason",
    [
        ("extract", "the job `train` uses `output('extract')`"),
        ("each", None),
        ("nothing", "the file has no job `nothing`"),
    ],
)
def test_a_job_that_others_need_stays(job: str, reason: str | None) -> None:
    if reason:
        assert refusal(jobs.remove_job, job) == reason
    else:
        assert changed(jobs.remove_job, job)[0] == f"-  {job}:"


def test_a_job_with_a_teardown_or_items_stays() -> None:
    text = (
        "version: 1\njobs:\n  a:\n  b: {teardown: {of: a}}\n  c: {output: json}\n  d: {for_each: {output: c, as: X}}\n"
    )
    assert refusal(jobs.remove_job, "a", text=text) == "the job `b` needs it: `teardown.of: a`"
    assert refusal(jobs.remove_job, "c", text=text) == "the job `d` needs it: `for_each.output: c`"


def test_dependencies() -> None:
    assert changed(jobs.connect, "check", "each") == ["+      - each"]
    assert changed(jobs.connect, "clean", "each") == ["+    depends_on: [each]"]
    assert changed(jobs.disconnect, "train", "extract") == ["-    depends_on: [extract]"]
    assert changed(jobs.disconnect, "check", "extract") == ["-      - extract  # first"]


@pytest.mark.parametrize(
    "make, arguments, reason",
    [
        (jobs.connect, ("extract", "check"), "in a cycle: check -> extract -> check"),
        (jobs.connect, ("extract", "extract"), "a job cannot depend on itself"),
        (jobs.connect, ("train", "extract"), "`train` depends on `extract` already"),
        (jobs.connect, ("train", "nothing"), "the file has no job `nothing`"),
        (jobs.disconnect, ("each", "train"), "does not depend on `train` by its own `depends_on`"),
        (jobs.rename_job, ("train", "check"), "has a job `check` already"),
        (jobs.rename_job, ("train", "a b"), "letters, digits"),
        (jobs.add_job, ("train", {}), "has a job `train` already"),
    ],
)
def test_refused(make: Callable[[Document], Iterable[Operation]], arguments: tuple[object, ...], reason: str) -> None:
    assert reason in refusal(make, *arguments)
