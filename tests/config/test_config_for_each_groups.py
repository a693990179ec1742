"""``for_each`` over a param or a part of an output, for a job or for a group of jobs."""

from __future__ import annotations

import pytest
from written import built, problems, said

from dag_factory.config.model import EnvVar, ForEach

PARAMS = (
    "params: {models: {type: array, default: [{name: tree}]}, codes: {type: [array, 'null'], default: null},"
    " plain: {default: [a]}, text: x, count: 5}\n"
)


def test_over_a_param() -> None:
    text = PARAMS + "jobs: {a: {for_each: {param: models, as: MODEL}, args: ['{{ item.name }}']}}"
    assert built(text).jobs[0].for_each == ForEach(variable="MODEL", param="models", own_task=True)
    for name in ("codes", "plain"):
        assert problems(PARAMS + f"jobs: {{a: {{for_each: {{param: {name}}}, env: {{A: '{{{{ item }}}}'}}}}}}") == []


def test_over_a_part_of_an_output() -> None:
    text = "jobs: {list: {output: json}, a: {for_each: {output: list, path: data.folders}}}"
    [_, job] = built(text).jobs
    assert job.for_each == ForEach(output="list", path=("data", "folders"), own_task=True)
    assert job.depends_on == ("list",)


CHAIN = """
    groups: {regrid: {for_each: {output: setup, path: folders, as: FOLDER, label: "{{ item.name }}"}}}
    jobs:
      setup: {output: json}
      compute: {group: regrid, output: json, args: ["{{ item.name }}"]}
      store: {group: regrid.inner, depends_on: [compute], args: ["{{ output('setup') }} {{ output('compute') }}"]}
      report: {depends_on: [store], args: ["{{ output('compute') }}"]}
      over: {for_each: {output: compute}}
"""


def test_a_chain_for_each_item() -> None:
    pipeline = built(CHAIN)
    jobs = {job.name: job for job in pipeline.jobs}
    label = "{{ item.name }}"
    regrid = ForEach(variable="FOLDER", output="setup", path=("folders",), label=label, own_task=True)
    assert pipeline.groups == {"regrid": regrid}
    # Only the first jobs of the group wait for the list; the variable is every job's.
    assert [job.depends_on for job in pipeline.jobs[:4]] == [(), ("setup",), ("compute",), ("store",)]
    assert {name: job.mapped_group for name, job in jobs.items() if job.mapped_group} == {
        "compute": "regrid",
        "store": "regrid",
    }
    assert jobs["store"].env == (EnvVar(name="FOLDER", value="{{ item | as_text }}"),)
    assert jobs["over"].for_each == ForEach(output="compute", own_task=True)


def test_an_overlay_changes_the_list_of_a_group() -> None:
    text = (
        CHAIN.replace("{{ output('setup') }} ", "")
        + "    environments: {dev: {groups: {regrid: {for_each: {list: [a]}}}}}\n"
    )
    assert built(text).groups == {"regrid": ForEach(items=("a",))}


@pytest.mark.parametrize(
    ("text", "problem", "words"),
    [
        ("jobs: {a: {args: ['{{ item }}']}}", "undefined-name 2:19 jobs.a.args[0]", "add `for_each`"),
        ("jobs: {a: {for_each: {param: modles}}}", "unknown-param 2:30 jobs.a.for_each.param", "did you mean `models`"),
        ("jobs: {a: {for_each: {param: text}}}", "bad-for-each 2:30 jobs.a.for_each.param", "type: array"),
        ("jobs: {a: {for_each: {param: count}}}", "bad-for-each 2:30 jobs.a.for_each.param", "type: array"),
        (
            "groups: {g: {for_each: {list: [1]}}}\njobs: {a: {group: h}}",
            "empty-group 2:10 groups.g",
            "the group `g` has no jobs",
        ),
        (
            "groups: {g: {for_each: {list: [1]}}, g.h: {for_each: {list: [2]}}}\njobs: {a: {group: g.h}}",
            "nested-for-each 2:54 groups.g.h.for_each",
            "make one list",
        ),
        (
            "groups: {g: {for_each: {list: [1]}}}\njobs: {a: {group: g, for_each: {list: [2]}}}",
            "nested-for-each 3:32 jobs.a.for_each",
            "`{{ item }}` of the group",
        ),
        (
            "groups: {g: {for_each: {list: [1]}}}\njobs: {a: {group: g, trigger_rule: always}}",
            "always-in-for-each 3:36 jobs.a.trigger_rule",
            "use `all_done`",
        ),
        (
            "groups: {g: {for_each: {list: [1], as: A}}}\njobs: {a: {group: g, env: {A: x}}}",
            "variable-taken 2:40 groups.g.for_each.as",
            "of the job `a`",
        ),
        (
            "groups: {g: {for_each: {output: a}}}\njobs: {a: {group: g, output: json}}",
            "bad-for-each 2:33 groups.g.for_each.output",
            "take `a` out of the group",
        ),
        (
            "groups: {g: {for_each: {output: z}}}\njobs: {a: {group: g}, z: {output: json, depends_on: [a]}}",
            "dependency-cycle 2:33 groups.g.for_each.output",
            "a -> z -> a",
        ),
        (
            "groups: {g: {for_each: {output: z}}}\njobs: {a: {group: g}, z: {}}",
            "no-output 2:33 groups.g.for_each.output",
            "add `output: json`",
        ),
        (
            "groups: {g: {for_each: {list: ['{{ ds }}'], label: '{{ itme }}'}}}\njobs: {a: {group: g}}",
            "unrendered-template 2:32 groups.g.for_each.list[0]",
            "did you mean `item`?",
        ),
    ],
)
def test_errors(text: str, problem: str, words: str) -> None:
    assert problem in problems(PARAMS + text)
    assert words in said(PARAMS + text)
