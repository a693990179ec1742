"""``{{ }}`` templates are checked when the file is read, before a job fails at night."""

from __future__ import annotations

import pytest
from written import Written, built, job, problems, said

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
def test_an_allowed_template(text: str) -> None:
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
        ("{{ [ds] | map('_method', 'upper') | list }}", "unknown-filter"),
        ("{{ [ds] | select('odder') | list }}", "bad-template"),
        ("{{ [ds] | selectattr('a', 'odder') | list }}", "bad-template"),
        ("{{ ds is odder }}", "bad-template"),
        ("{{ ds ", "bad-template"),
        ("{% if ds %}", "bad-template"),
        ("{{ }}", "bad-template"),
        ("{% include 'other.sh' %}", "bad-template"),
        ("{% import 'other' as other %}", "bad-template"),
        ("{% extends 'other' %}", "bad-template"),
    ],
)
def test_a_template_that_is_not_allowed(text: str, code: str) -> None:
    found = problems(
        PARAMS
        + "jobs:\n  a: {output: json}\n  none: {}\n  c: {output: json}\n"
        + f"  b:\n    depends_on: [a, none]\n    script: |\n      true\n      {text}\n"
    )
    assert [line.rpartition(" ")[0] for line in found if code in line][:1] == [f"{code} 11:1"]
    assert {line.split()[0] for line in found} <= {code, "undefined-name"}


def test_a_template_that_is_nested_too_deeply_is_reported() -> None:
    deep = "{{ " + "(" * 3000 + " }}"
    assert problems(f"jobs: {{j: {{script: '{deep}'}}}}") == ["bad-template 1:20 jobs.j.script"]


def test_a_template_can_read_the_output_of_any_upstream_job() -> None:
    text = "jobs: {a: {output: json}, b: {depends_on: [a]}, c: {depends_on: [b], script: \"{{ output('a') }}\"}}"
    assert problems(text) == []


def test_an_invalid_output_or_dependency_causes_no_further_problems() -> None:
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
def test_templates_work_where_the_operator_renders_them(text: str) -> None:
    assert problems(f"jobs: {{j: {{{text}}}}}") == []


@pytest.mark.parametrize(("text", "path"), NOT_RENDERED)
def test_templates_are_errors_where_they_are_not_rendered(text: str, path: str) -> None:
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
schedule: '{{ ds }}'
"""


@pytest.mark.parametrize("key", HEADERS.strip().splitlines())
def test_the_keys_of_a_pipeline_are_not_rendered(key: str) -> None:
    (found,) = problems(f"{key}\njobs: {{j: {{}}}}")
    assert found.startswith("unrendered-template 1:")


@pytest.mark.parametrize("text", ["jobs: {j: {%s}}", "jobs: {j: {}}\nenvironments: {dev: {jobs: {j: {%s}}}}"])
def test_a_flavor_is_not_rendered(text: str) -> None:
    """The flavor is not reported as unknown in addition."""
    (found,) = problems(text % "resource_flavor: '{{ params.x }}'")
    assert found.startswith("unrendered-template")
    assert found.endswith("jobs.j.resource_flavor")


def test_a_template_from_vars_is_checked_too() -> None:
    assert job("jobs: {j: {args: [\"${{ '{{' }} ds }}\"]}}").args == ("{{ ds }}",)
    assert problems("jobs: {j: {args: [\"${{ '{{' }} dss }}\"]}}") == ["undefined-name 1:19 jobs.j.args[0]"]


def test_a_problem_in_defaults_is_reported_once_at_its_position() -> None:
    head = "version: 1\ndefaults:\n  docker_image: image\n  resource_flavor: small\n  env: {A: '{{ dss }}'}\n"
    assert problems("jobs: {a: {}, b: {}, c: {}}", head=head) == ["undefined-name 0:12 defaults.env.A"]


def hint(text: str, head: str = PARAMS) -> str:
    """The hint of the only problem of a text in a job."""
    words = said(
        f"{head}jobs: {{j: {{args: [{text!r}]}}}}" if "'" not in text else f'{head}jobs: {{j: {{args: ["{text}"]}}}}'
    )
    assert len(words.splitlines()) == 1, words
    return words.partition(" -- ")[2]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("{{ vars.registry }}", "`${{ vars.registry }}`"),
        ("{{ matrix.model }}", "`${{ matrix.model }}`"),
        ("{{ inputs.x }}", "`${{ inputs.x }}`"),
        ("{{ pipeline.id }}", "`${{ pipeline.id }}`"),
        ("{{ environment }}", "`${{ environment }}`"),
        ("${{ params.days }}", "`{{ params.days }}`"),
        ("${{ ds }}", "`{{ ds }}`"),
        ("${{ run_date }}", "`{{ run_date }}`"),
        ("${{ dag_run.conf.x }}", "`{{ dag_run.conf.x }}`"),
        ("${{ output('a').rows }}", "`{{ output('a').rows }}`"),
    ],
)
def test_the_hint_for_wrong_braces_shows_the_right_ones(text: str, right: str) -> None:
    assert right in hint(text)


def test_the_hint_for_a_compile_time_name_adds_the_dollar_sign() -> None:
    assert "`${{ vars.registry }}`" in said("jobs: {j: {working_dir: '/{{ vars.registry }}'}}")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("{{ execution_date }}", "`logical_date`, or `run_date`"),
        ("{{ execution_date.strftime('%Y') }}", "`logical_date`, or `run_date`"),
        ("{{ macros.datetime.now() }}", "`dag_run.start_date`"),
        ("{{ ds_add(ds, 1) }}", "`macros.ds_add(...)`"),
        ("{{ '{}-{}'.format(ds, 1) }}", "`'%s-%s' | format(a, b)`"),
        ("{{ '-'.join }}", "`.join(...)`"),
        ("{{ next_ds }}", "`data_interval_end | ds`"),
        ("{{ prev_ds }}", "`data_interval_start | ds`"),
        ("{{ tomorrow_ds }}", "`macros.ds_add(ds, 1)`"),
        ("{{ yesterday_ds_nodash }}", "`macros.ds_add(ds, -1)`"),
        ("{{ dag_run.external_trigger }}", "`dag_run.run_type == 'manual'`"),
        ("{{ dag_run.execution_date }}", "`dag_run.logical_date`"),
        ("{{ ti.xcom_pull(task_ids='x') }}", "`output('job', default=none)`"),
        ("{{ ti.xcom_push('x', 1) }}", "`/airflow/xcom/return.json`"),
        ("{{ macros.uuid.uuid4() }}", "`run_id`"),
        ("{{ task.hook }}", "`task.task_id`"),
        ("{{ ti.hostname }}", "`templating: {allow: [ti.hostname]}`"),
    ],
)
def test_the_hint_for_a_removed_or_forbidden_name_names_the_replacement(text: str, right: str) -> None:
    assert right in hint(text)


RAW = "`{% raw %}...{% endraw %}`"


@pytest.mark.parametrize(
    "job",
    [
        "script: \"docker inspect --format '{{.State.Status}}' x\"",
        "command: [python, -c, \"print('{{}}'.format(1))\"]",
        "args: ['{{ Names }}']",
        "for_each: {list: ['{{.State}}'], as: FORMAT}",
        "doc: 'braces {{ so }}'",
    ],
)
def test_every_hint_about_braces_shows_raw_tags(job: str) -> None:
    assert RAW in said(f"jobs: {{j: {{{job}}}}}")


@pytest.mark.parametrize("key", HEADERS.strip().splitlines())
def test_hints_about_braces_in_pipeline_keys_show_raw_tags(key: str) -> None:
    assert RAW in said(f"{key}\njobs: {{j: {{}}}}")


def test_raw_tags_are_removed_where_nothing_is_rendered() -> None:
    text = """
        description: "a {% raw %}{{ b }}{% endraw %}"
        params:
          format: "{% raw %}{{.State}}{% endraw %}"
          other: {type: string, default: "x{% raw %}{%{% endraw %}"}
        jobs:
          j:
            for_each: {list: ["{% raw %}{{.State}}{% endraw %}", {a: "{% raw %}{{b}}{% endraw %}"}], as: FORMAT}
            doc: "{% raw %}{{ c }}{% endraw %}"
            args: ["{% raw %}{{.State}}{% endraw %}"]
    """
    pipeline = built(text)
    (one,) = pipeline.jobs
    assert pipeline.description == "a {{ b }}"
    assert [param.default for param in pipeline.params] == ["{{.State}}", "x{%"]
    assert one.for_each is not None and one.for_each.items == ("{{.State}}", {"a": "{{b}}"})
    assert one.doc == "{{ c }}"
    assert one.args == ("{% raw %}{{.State}}{% endraw %}",)  # a worker renders it


@pytest.mark.parametrize("path", ["working_dir: '/{% raw %}{{ a }}{% endraw %}'", "shell: ['{% raw %}{{{% endraw %}']"])
def test_raw_tags_that_are_not_removed_are_reported(path: str) -> None:
    assert problems(f"jobs: {{j: {{{path}}}}}")[0].startswith("unrendered-template")


@pytest.mark.parametrize("text", ["{{ output('a', default=none) }}", "{{ output('a', default={}).rows | default(0) }}"])
def test_an_output_with_a_default(text: str) -> None:
    job = f'jobs: {{a: {{output: json}}, b: {{depends_on: [a], args: ["{text}"]}}}}'
    assert problems(job) == []
    assert problems(job.replace("depends_on: [a], ", ""))[0].startswith("not-upstream")


@pytest.mark.parametrize("text", ["{{ output('a', none) }}", "{{ output(*['a']) }}", "{{ output('a', **{}) }}"])
def test_an_output_needs_a_constant_job_name(text: str) -> None:
    found = problems(f'jobs: {{a: {{output: json}}, b: {{depends_on: [a], args: ["{text}"]}}}}')
    assert [line.split()[0] for line in found] == ["bad-template"]


@pytest.mark.parametrize(
    ("schedule", "warned"),
    [("'@daily'", False), ("{cron: ['0 3 * * *']}", False), ("null", True), ("{assets: [x]}", True)],
)
def test_a_data_interval_in_a_pipeline_without_logical_dates_is_a_warning(schedule: str, warned: bool) -> None:
    text = f"schedule: {schedule}\njobs: {{j: {{args: ['{{{{ data_interval_start }}}} {{{{ ds }}}}']}}}}"
    found = problems(text)
    assert [line.split()[0] for line in found] == ["dateless-run"] * warned
    assert not warned or "run_date" in said(text)


def test_a_param_with_the_name_of_a_method() -> None:
    text = (
        "params: {items: {type: integer, default: 1}}\njobs: {j: {args: ['{{ params.items }} {{ params.items() }}']}}"
    )
    assert problems(text) == []
    assert problems(text.replace("params: {items", "params: {other")) == ["unknown-param 2:19 jobs.j.args[0]"]


@pytest.mark.parametrize("word", ["ti.hostname", "macros.uuid.uuid4", "inlet_events", "task.doc_md"])
def test_an_environment_can_allow_more_names(word: str) -> None:
    text = f"jobs: {{a: {{args: ['{{{{ {word}.x }}}}']}}}}"
    assert problems(text) == ["forbidden-template 1:19 jobs.a.args[0]"]
    allowed = {"dev": f"version: 1\ntemplating: {{allow: [{word}]}}\n"}
    assert Written(text, environments=allowed).problems() == []
    assert Written(text, environments=allowed).built().templates_allow == (word,)
    private = Written(text.replace(".x", ".__class__"), environments=allowed)
    assert private.problems() == ["forbidden-template 1:19 jobs.a.args[0]"]


@pytest.mark.parametrize(
    "word", ["secrets", "macros.uuid", "macros.json", "macros", "ti", "dag", "ti._x", "self", "os.x"]
)
def test_names_that_no_environment_can_allow(word: str) -> None:
    environment = {"dev": f"version: 1\ntemplating: {{allow: ['{word}']}}\n"}
    found = Written("jobs: {a: {}}", environments=environment).problems()
    assert "bad-value dev.yaml:2:22 templating.allow[0]" in found
