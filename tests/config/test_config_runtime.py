"""``{{ }}``: checked now, so that nobody learns of it at night."""

from __future__ import annotations

import pytest
from written import job, problems, said

PARAMS = "schedule: '@daily'\n"
PARAMS += "params: {day: {type: string, format: date, default: '2026-01-01'}, folds: {type: integer, default: 5}}\n"
HINT_PLACE = "`{{ }}` works in command, args, script, env"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ds }} {{ run_date }} {{ params.day }} {{ params['folds'] }} {{ dag_run.conf.get('x') }}",
        "{{ ds | ds_nodash }} {{ ts | ts_nodash_with_tz }} {{ logical_date | ds }}",
        "{% for x in [1, 2] %}{{ loop.index }}{{ x }}{% endfor %}{% set y = 1 %}{{ y }}",
        "{{ macros.ds_add(ds, 7) }} {{ params.get('x') }} {{ ti.try_number }}",
        "{{ output('a') }} {{ output('a').rows | tojson }} {{ output(\"a\")[0] }}",
        "${#files[@]} {# a shell's #} $(date) ${name%.*} {{# a remark #}}",
        "{% raw %}{{ not_ours }}{% endraw %}",
        "{% do [].count(1) %}",
    ],
)
def test_may_be_said(text: str) -> None:
    assert (
        problems(PARAMS + f"jobs:\n  a: {{output: json}}\n  b:\n    depends_on: [a]\n    script: |\n      {text}\n")
        == []
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ dss }}", "undefined-name"),
        ("{{ vars.bucket }}", "undefined-name"),
        ("{{ conn.warehouse.password }}", "forbidden-template"),
        ("{{ var.value.token }}", "forbidden-template"),
        ("{% for c in [conn] %}{{ c }}{% endfor %}", "forbidden-template"),
        ("{{ params.dya }}", "unknown-param"),
        ("{{ params['dya'] }}", "unknown-param"),
        ("{{ output('aa') }}", "unknown-job"),
        ("{{ output('b') }}", "not-upstream"),
        ("{{ output('c') }}", "not-upstream"),
        ("{{ output('none') }}", "no-output"),
        ("{{ output(x) }}", "bad-template"),
        ("{{ output() }}", "bad-template"),
        ("{{ output(job='a') }}", "bad-template"),
        ("{{ ds | upperr }}", "unknown-filter"),
        ("{{ ds is odder }}", "bad-template"),
        ("{{ ds ", "bad-template"),
        ("{% if ds %}", "bad-template"),
        ("{{ }}", "bad-template"),
        ("{% include 'other.sh' %}", "bad-template"),
        ("{% import 'other' as other %}", "bad-template"),
        ("{% extends 'other' %}", "bad-template"),
    ],
)
def test_may_not_be_said(text: str, code: str) -> None:
    found = problems(
        PARAMS
        + "jobs:\n  a: {output: json}\n  none: {}\n  c: {output: json}\n"
        + f"  b:\n    depends_on: [a, none]\n    script: |\n      true\n      {text}\n"
    )
    assert [line.rpartition(" ")[0] for line in found if code in line][:1] == [f"{code} 11:1"]
    assert {line.split()[0] for line in found} <= {code, "undefined-name"}


def test_what_is_nested_too_deep_is_told() -> None:
    deep = "{{ " + "(" * 3000 + " }}"
    assert problems(f"jobs: {{j: {{script: '{deep}'}}}}") == ["bad-template 1:20 jobs.j.script"]


def test_an_output_is_read_of_any_job_upstream() -> None:
    text = "jobs: {a: {output: json}, b: {depends_on: [a]}, c: {depends_on: [b], script: \"{{ output('a') }}\"}}"
    assert problems(text) == []


def test_nobody_is_blamed_for_an_output_or_dependency_that_was_wrong_itself() -> None:
    assert problems("jobs: {a: {output: true}, b: {depends_on: [a], script: \"{{ output('a') }}\"}}") == [
        "bad-value 1:20 jobs.a.output"
    ]
    assert problems("jobs: {a: {output: json}, b: {depends_on: [a, a], script: \"{{ output('a') }}\"}}") == [
        "repeated-value 1:43 jobs.b.depends_on"
    ]


RENDERED = [
    "docker_image: 'a:{{ ds }}'",
    "command: [run, '{{ ds }}']",
    "args: ['{{ ds }}']",
    "script: 'echo {{ ds }}'",
    "env: {A: '{{ ds }}'}",
    "labels: {a: '{{ ds }}'}",
    "annotations: {a: '{{ ds }}'}",
    "node_selector: {a: '{{ ds }}'}",
    "volumes: [{mount_path: /a, pvc: 'p-{{ ds }}', sub_path: '{{ ds }}'}]",
]
NOT_RENDERED = [
    ("doc: '{{ ds }}'", "jobs.j.doc"),
    ("shell: ['{{ ds }}']", "jobs.j.shell[0]"),
    ("working_dir: '/{{ ds }}'", "jobs.j.working_dir"),
    ("env_from: [{secret: a, prefix: P_}], tolerations: [{key: '{{ ds }}'}]", "jobs.j.tolerations[0].key"),
    ("affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
     "[{matchFields: [{key: '{{ ds }}', operator: Exists}]}]}}}",
     "jobs.j.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key"),
    ("volumes: [{mount_path: '/{{ ds }}', pvc: a}]", "jobs.j.volumes[0].mount_path"),
    ("volumes: [{mount_path: /a, host_path: '/{{ ds }}'}]", "jobs.j.volumes[0].host_path"),
    ("security_context: {seLinuxOptions: {user: '{% x %}'}}", "jobs.j.security_context.seLinuxOptions.user"),
]  # fmt: skip


@pytest.mark.parametrize("text", RENDERED)
def test_is_rendered_where_the_operator_renders(text: str) -> None:
    assert problems(f"jobs: {{j: {{{text}}}}}") == []


@pytest.mark.parametrize(("text", "path"), NOT_RENDERED)
def test_is_a_problem_where_nothing_renders(text: str, path: str) -> None:
    (found,) = problems(f"jobs: {{j: {{{text}}}}}")
    assert (found.split()[0], found.split()[2]) == ("unrendered-template", path)
    assert HINT_PLACE in said(f"jobs: {{j: {{{text}}}}}")


HEADERS = """
description: '{{ ds }}'
doc: '{{ ds }}'
owner: ['{{ ds }}']
tags: ['{{ ds }}']
params: {a: '{{ ds }}'}
params: {a: {default: '{{ ds }}'}}
"""


@pytest.mark.parametrize("key", HEADERS.strip().splitlines())
def test_nothing_renders_a_pipeline_s_own_keys(key: str) -> None:
    (found,) = problems(f"{key}\njobs: {{j: {{}}}}")
    assert found.startswith("unrendered-template 1:")


def test_a_template_may_come_from_vars_and_is_checked_too() -> None:
    assert job("jobs: {j: {args: [\"${{ '{{' }} ds }}\"]}}").args == ("{{ ds }}",)
    assert problems("jobs: {j: {args: [\"${{ '{{' }} dss }}\"]}}") == ["undefined-name 1:19 jobs.j.args[0]"]


def test_a_template_in_defaults_is_told_once_where_it_stands() -> None:
    head = "version: 1\ndefaults:\n  docker_image: image\n  resource_flavor: small\n  env: {A: '{{ dss }}'}\n"
    assert problems("jobs: {a: {}, b: {}, c: {}}", head=head) == ["undefined-name 0:12 defaults.env.A"]
