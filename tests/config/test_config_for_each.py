"""``for_each`` of a job, over a list or over the output of another job."""

from __future__ import annotations

import pytest
from written import Written, built, problems, said

from dag_factory.config.model import ForEach


def test_over_a_list() -> None:
    text = "jobs: {a: {for_each: {list: [DE, 1.0, 007, true, null, {b: [c, Ü]}, 'x y'], as: ITEM, max_parallel: 3}}}"
    items = ("DE", 1.0, "007", True, None, {"b": ["c", "Ü"]}, "x y")
    assert built(text).jobs[0].for_each == ForEach(variable="ITEM", items=items, max_parallel=3)


def test_over_a_list_of_the_environment() -> None:
    environments = {"dev": "version: 1\nvars: {countries: [DE, FR], none: []}\n"}
    over = "{for_each: {list: '${{ vars.%s }}', as: C}}"
    text = f"jobs: {{a: {over % 'countries'}, b: {over % 'none'}}}"
    jobs = Written(text, environments=environments).built().jobs
    assert [job.for_each.items for job in jobs if job.for_each] == [("DE", "FR"), ()]


def test_over_an_output_adds_a_dependency() -> None:
    text = """
        jobs:
          list: {output: json}
          other: {}
          each: {for_each: {output: list, as: COUNTRY}, depends_on: [other], output: json}
          every: {for_each: {output: each, as: RESULT}}
          all: {depends_on: [each], script: "echo {{ output('each') }}"}
    """
    pipeline = built(text)
    assert [job.depends_on for job in pipeline.jobs] == [(), (), ("other", "list"), ("each",), ("each",)]
    assert pipeline.jobs[2].for_each == ForEach(variable="COUNTRY", output="list")
    assert "depends_on: [other, list]" in pipeline.resolved


def test_the_source_is_a_dependency() -> None:
    text = "jobs: {list: {output: json}, a: {for_each: {output: list, as: C}, script: \"echo {{ output('list') }}\"}}"
    assert problems(text) == []


def test_a_cell_of_a_matrix_runs_over_a_list_too() -> None:
    text = "jobs: {a: {matrix: {n: [1, 2]}, for_each: {list: ['${{ matrix.n }}'], as: N}, output: json}}"
    assert [job.for_each and job.for_each.items for job in built(text).jobs] == [(1,), (2,)]


def test_an_overlay_replaces_the_whole_for_each() -> None:
    text = """
        jobs: {list: {output: json}, a: {for_each: {output: list, as: C, max_parallel: 4}}}
        environments: {dev: {jobs: {a: {for_each: {list: [DE], as: C}}}}}
    """
    assert built(text).jobs[1].for_each == ForEach(variable="C", items=("DE",))


@pytest.mark.parametrize(
    ("job", "problem", "words"),
    [
        ("{for_each: {output: lst, as: C}}", "unknown-job 2:26 jobs.a.for_each.output", "did you mean `list`?"),
        ("{for_each: {output: a, as: C}}", "depends-on-itself 2:26 jobs.a.for_each.output", "itself"),
        ("{for_each: {output: mute, as: C}}", "no-output 2:26 jobs.a.for_each.output", "add `output: json`"),
        ("{for_each: {output: grid, as: C}}", "bad-for-each 2:26 jobs.a.for_each.output", "as `grid-x`"),
        ("{for_each: {output: after, as: C}}", "dependency-cycle 2:26 jobs.a.for_each.output", "a -> after -> a"),
        ("{for_each: {list: ['{{ ds }}'], as: C}}", "unrendered-template 2:25 jobs.a.for_each.list[0]", "${{ }}"),
        ("{for_each: {list: '${{ 5 }}', as: C}}", "bad-for-each 2:24 jobs.a.for_each.list", "a list of items"),
        ("{for_each: {list: [x], as: C}, env: {C: d}}", "variable-taken 2:33 jobs.a.for_each.as", "env: {C: null}"),
    ],
)
def test_errors(job: str, problem: str, words: str) -> None:
    text = f"""
        jobs:
          a: {job}
          list: {{output: json}}
          mute: {{}}
          grid: {{matrix: {{x: [x, y]}}, output: json}}
          after: {{depends_on: [a], output: json}}
    """
    assert problems(text) == [problem]
    assert words in said(text)


def test_one_cell_of_a_matrix_can_be_the_source() -> None:
    text = "jobs: {grid: {matrix: {x: [x, y]}, output: json}, a: {for_each: {output: grid-x, as: C}}}"
    assert built(text).jobs[2].depends_on == ("grid-x",)


def test_too_many_items() -> None:
    text = f"jobs: {{a: {{for_each: {{list: {[*range(1025)]}, as: C}}}}}}"
    assert problems(text) == ["too-many-items 1:29 jobs.a.for_each.list"]
