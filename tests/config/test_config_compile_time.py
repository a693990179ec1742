"""``${{ }}`` expressions: their values, and the problems of expressions that fail."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from written import HEAD, Written, job, problems, said

from dag_factory.config import budget
from dag_factory.config.expressions import compile_time
from dag_factory.config.expressions.compile_time import render

CONTEXT: dict[str, Any] = {
    "vars": {
        "n": 3,
        "f": 1.5,
        "yes": True,
        "none": None,
        "list": [1, "b"],
        "map": {"a": {"b": 1}},
        "text": "Growth Team",
    },
    "environment": "dev",
}


@pytest.fixture(autouse=True)
def _the_clock_of_a_file() -> None:
    budget.reset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${{ vars.n }}", 3),
        ("  ${{ vars.n }}\n", 3),
        ("${{- vars.n -}}", 3),
        ("${{ vars.f }}", 1.5),
        ("${{ vars.yes }}", True),
        ("${{ vars.none }}", None),
        ("${{ vars.list }}", [1, "b"]),
        ("${{ vars.map }}", {"a": {"b": 1}}),
        ("${{ vars.map.a.b + 1 }}", 2),
        ("${{ {'a': {'b': vars.n}} }}", {"a": {"b": 3}}),
        ("${{ vars.list | map('string') | list }}", ["1", "b"]),
        ("${{ vars.list | map('string') }}", ["1", "b"]),
        ("${{ range(3) }}", [0, 1, 2]),
        ("${{ vars.text | dns }}", "growth-team"),
        ("${{ 'big' if vars.n > 2 else 'small' }}", "big"),
        ("${{ vars.gone | default('there') }}", "there"),
        ("${{ vars.gone is defined }}", False),
        ("${{ 2.45 | round(1) }}", 2.5),
    ],
)
def test_a_single_expression_keeps_the_type_of_its_value(text: str, expected: object) -> None:
    result = render(text, CONTEXT)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n=${{ vars.n }}", "n=3"),
        ("${{ vars.n }}${{ vars.n }}", "33"),
        ("${{ vars.n }} ${{ vars.n }}", "3 3"),
        ("${{ vars.yes }}/${{ vars.none }}/${{ vars.map }}", 'true/null/{"a": {"b": 1}}'),
        ("a\n${{ vars.n }}\n", "a\n3\n"),
        ("${{# a remark #}}x", "x"),
        ("${% for x in vars.list %}${{ x }}${% if not loop.last %},${% endif %}${% endfor %}", "1,b"),
        ("${% set x = vars.n %}${{ x + 1 }}", "4"),
        (
            "{{ ds }} {% if a %} ${#files[@]} ${name%.*} $${{ vars.n }}",
            "{{ ds }} {% if a %} ${#files[@]} ${name%.*} $3",
        ),
    ],
)
def test_any_other_text_gives_text(text: str, expected: str) -> None:
    assert render(text, CONTEXT) == expected


def test_expressions_work_in_every_value_of_a_pipeline() -> None:
    found = Written(
        """
        description: In ${{ environment }}, by ${{ vars.registry }}
        schedule: "${{ {'every': '2h'} }}"
        max_active_runs: ${{ 1 + 1 }}
        jobs:
          first: {}
          job:
            depends_on: ["${{ 'first' }}"]
            docker_image: "${{ vars.registry }}/x:${{ vars.release }}"
            command: "${{ ['run', pipeline.id, pipeline.team, pipeline.name, job.name] }}"
            env: {OWNER: "${{ pipeline.owner }}", ENV: "${{ environment }}"}
            timeout: ${{ '1h' }}
            deferrable: ${{ true }}
            volumes: "${{ [{'mount_path': '/data', 'pvc': pipeline.id | dns}] }}"
        owner: [me, you]
        """
    ).built()
    last = found.jobs[-1]
    assert (found.description, found.max_active_runs) == ("In dev, by acme", 2)
    assert last.command == ("run", "team.flow", "team", "flow", "job")
    assert {variable.name: variable.value for variable in last.env} == {"OWNER": "me, you", "ENV": "dev"}
    assert (last.image, last.timeout, last.deferrable) == ("acme/x:1.0.0", 3600, True)
    assert [volume.source for volume in last.volumes] == ["team-flow"]
    assert last.depends_on == ("first",)


def test_platform_files_can_refer_to_the_pipeline_and_the_job() -> None:
    found = Written(
        "jobs: {j: {}}",
        flavors="version: 1\nflavors: {small: {cpu: '${{ vars.cpus }}', labels: {p: '${{ pipeline.id | dns }}'}}}\n",
        environments={"dev": "version: 1\nvars: {cpus: 2}\ndefaults: {job: {env: {J: '${{ job.name }}'}}}\n"},
    ).built()
    assert found.jobs[0].flavor.limits == {"cpu": "2"}
    assert found.jobs[0].labels == {"p": "team-flow"}
    assert found.jobs[0].env[0].value == "j"


def test_a_value_of_vars_is_not_computed_again() -> None:
    """The value is text. Here Airflow would render it as a template, which is reported."""
    text = "jobs: {j: {env: {A: '${{ vars.a }}'}}}"
    environments = {"dev": "version: 1\nvars: {a: \"${{ '$' ~ '{{ vars }}' }}\"}\n"}
    assert Written(text, environments=environments).said().startswith("`vars` is not defined when the job runs")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobs: {j: {docker_image: '${{ vars.regstry }}'}}", "undefined-name 1:26 jobs.j.docker_image"),
        ("jobs: {j: {docker_image: '${{ varz.x }}'}}", "undefined-name 1:26 jobs.j.docker_image"),
        ("jobs: {j: {docker_image: '${{ vars.registry.x }}'}}", "undefined-name 1:26 jobs.j.docker_image"),
        ("jobs: {j: {docker_image: 'a${{ vars. }}'}}", "bad-expression 1:26 jobs.j.docker_image"),
        ("jobs: {j: {docker_image: '${{ 1 / 0 }}'}}", "bad-expression 1:26 jobs.j.docker_image"),
        ("jobs: {j: {docker_image: '${% if x %}'}}", "bad-expression 1:26 jobs.j.docker_image"),
        ("jobs: {j: {timeout: '${{ 5 }}'}}", "bad-duration 1:21 jobs.j.timeout"),
        ("jobs: {j: {pool_slots: '${{ -1 }}'}}", "too-small 1:24 jobs.j.pool_slots"),
        ("jobs: {j: {volumes: '${{ [1] }}'}}", "wrong-type 1:21 jobs.j.volumes[0]"),
        ("jobs: {j: {resource_flavor: '${{ vars.release }}'}}", "unknown-flavor 1:29 jobs.j.resource_flavor"),
        ("jobs: {j: {depends_on: ['${{ environment }}']}}", "unknown-job 1:25 jobs.j.depends_on[0]"),
        ("timezone: ${{ vars.release }}\njobs: {j: {}}", "bad-timezone 1:11 timezone"),
        ("schedule: ${{ vars.release }}\njobs: {j: {}}", "bad-cron 1:11 schedule"),
        ("timezone: ${{ nope }}\njobs: {j: {}}", "undefined-name 1:11 timezone"),
        ("schedule: ${{ nope }}\njobs: {j: {}}", "undefined-name 1:11 schedule"),
        ("start_date: ${{ nope }}\njobs: {j: {}}", "undefined-name 1:13 start_date"),
    ],
)
def test_an_error_is_reported_once_at_its_position(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_an_expression_that_fails_does_not_hide_another() -> None:
    assert problems("jobs: {j: {timeout: '${{ 5 }}', env: {A: '${{ nope }}'}}}") == [
        "bad-duration 1:21 jobs.j.timeout",
        "undefined-name 1:42 jobs.j.env.A",
    ]


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("vars.regstry", "did you mean `registry`?"),
        ("varz.registry", "did you mean `vars`?"),
        (
            "vars.q",
            "use one of: job.name, pipeline.id, pipeline.name, pipeline.owner, pipeline.team, "
            "vars.registry, vars.release",
        ),
        ("qqqq", "use one of: environment, job, pipeline, vars"),
    ],
)
def test_the_hint_for_an_undefined_name_lists_the_defined_ones(expression: str, hint: str) -> None:
    assert said(f"jobs: {{j: {{docker_image: '${{{{ {expression} }}}}'}}}}").endswith(hint)


def test_a_problem_in_a_block_has_the_line_that_failed() -> None:
    text = """
        jobs:
          j:
            script: |
              one
              two ${{ vars.nope }}
              three
          k:
            script: |
              one
              ${{ vars. }}
    """
    assert problems(text) == ["undefined-name 5:1 jobs.j.script", "bad-expression 10:1 jobs.k.script"]


def test_the_position_is_in_the_source_file() -> None:
    head = "version: 1\ndefaults:\n  docker_image: image\n  resource_flavor: small\n  labels: {a: '${{ vars.a }}'}\n"
    text = "jobs: {a: {}, b: {}}\nenvironments: {dev: {jobs: {b: {env: {B: '${{ vars.b }}'}}}}}\n"
    assert problems(text, head=head) == [
        "undefined-name 0:15 defaults.labels.a",
        "undefined-name 2:42 environments.dev.jobs.b.env.B",
    ]


def test_the_position_can_be_in_a_platform_file() -> None:
    written = Written(
        "jobs: {a: {}, b: {}}",
        head=HEAD,
        flavors="version: 1\nflavors:\n  small: {cpu: 1, labels: {x: '${{ vars.x }}'}}\n",
        environments={"dev": "version: 1\ndefaults:\n  job: {env: {Y: '${{ vars.y }}'}}\n"},
    )
    assert written.problems() == [
        "undefined-name dev.yaml:3:18 defaults.job.env.Y",
        "undefined-name flavors.yaml:3:31 flavors.small.labels.x",
    ]


def test_a_script_keeps_the_newline_at_its_end() -> None:
    assert job("jobs:\n  j:\n    script: |\n      echo ${{ vars.registry }}\n").command == (
        "/bin/sh", "-ec", "echo acme\n",
    )  # fmt: skip


NAMED = {
    "vars": {"a": "x", "n": 5, "none": None, "t": True, "l": [1, "b"], "m": {"k": "v", "z": 1.5}, "big": "y" * 40_000},
    "pipeline": {"id": "team.p"},
    "environment": "dev",
}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "${{ vars.a }}",
            "${{vars.n}}",
            " ${{ vars.t }}\n",
            "x${{ vars.n }}y",
            "${{ vars.none }}",
            "a${{ vars.none }}",
        ),
        *("${{ vars.l }}", "z${{ vars.m }}", "${{ vars.m.k }}-${{ vars.m.z }}", "${{ vars.t }}${{ vars.n }}"),
        *("${{ vars.nope }}", "${{ nope }}x", "${{ vars.a.b }}", "${{ vars.l.b }}", "${{ vars.big }}${{ vars.big }}"),
        *(
            "{{ run_id }} ${{ vars.a }} {% x %}",
            "${{ true }}",
            "x ${{ none }}",
            "${{ not }}",
            "${{ range }}",
            "${{ self }}",
        ),
        *(
            "$${{ vars.a }}}",
            "${{ vars.a }} ${% if 1 %}y${% endif %}",
            "${{ vars.a }} ${{# c #}}",
            "%}${{ vars.a }}#}}",
        ),
        *(
            "a\r\n${{ vars.a }}",
            "a\n\n${{ vars.a }}\n",
            "${{ vars.a\n}}",
            "${{ vars.é }}",
            "${{- vars.a }} b",
            "%}${{ vars.a }}#}}",
        ),
    ],
)
def test_a_text_of_plain_names_gives_the_same_value_as_jinja(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def result() -> tuple[type, object]:
        try:
            value = render(text, NAMED)
        except jinja2.TemplateError as failure:
            return type(failure), str(failure)
        return type(value), value

    quick = result()
    monkeypatch.setattr(compile_time, "_plain_value", lambda *_: None)
    assert quick == result()
