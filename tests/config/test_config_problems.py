"""What a person with a mistake in a file sees: the position, the path, the code, and how to fix it."""

from __future__ import annotations

import pytest
from written import Written, problems, said

from dag_factory.config import Problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobs: {a: {comand: [x]}}", "unknown-key 1:12 jobs.a.comand"),
        ("jobs: {a: {image: x}}", "unknown-key 1:12 jobs.a.image"),
        ("shedule: x\njobs: {a: {}}", "unknown-key 1:1 shedule"),
        ("jobs: {a: {env: [A]}}", "wrong-type 1:17 jobs.a.env"),
        ("jobs: {a: {command: python x.py}}", "wrong-type 1:21 jobs.a.command"),
        ("jobs: {a: {deferrable: 'yes'}}", "wrong-type 1:24 jobs.a.deferrable"),
        ("jobs: {a: {script: ls, command: [ls]}}", "command-with-script 1:24 jobs.a.command"),
        ("jobs: {a b: {}}", "bad-name 1:8 jobs.a b"),
        ("jobs: {a: {env: {A B: x}}}", "bad-name 1:18 jobs.a.env.A B"),
        ("jobs: {a: {timeout: 30}}", "bad-duration 1:21 jobs.a.timeout"),
        ("jobs: {a: {retries: -1}}", "bad-retries 1:21 jobs.a.retries"),
        ("jobs: {a: {retries: {delay: 30}}}", "bad-duration 1:29 jobs.a.retries.delay"),
        ("jobs: {a: {trigger_rule: al_done}}", "bad-trigger-rule 1:26 jobs.a.trigger_rule"),
        ("jobs: {a: {volumes: [{pvc: x}]}}", "missing-key 1:22 jobs.a.volumes[0]"),
        ("jobs: {a: {volumes: [{mount_path: /x, pvc: a, secret: b}]}}", "bad-volume 1:22 jobs.a.volumes[0]"),
        ("jobs: {a: {tolerations: [{efect: x}]}}", "unknown-key 1:27 jobs.a.tolerations[0].efect"),
        ("jobs: {a: {security_context: {runAsUser: me}}}", "wrong-type 1:42 jobs.a.security_context.runAsUser"),
        ("jobs: {a: {labels: {x: 'a b'}}}", "bad-label 1:24 jobs.a.labels.x"),
        ("jobs: {a: {env: {A: {secret: x}}}}", "bad-reference 1:30 jobs.a.env.A.secret"),
        ("jobs: {a: 5}", "wrong-type 1:11 jobs.a"),
        ("max_active_runs: 0\njobs: {a: {}}", "too-small 1:18 max_active_runs"),
        ("jobs:\n- a\n", "wrong-type 2:1 jobs"),
        ("jobs: {a: {}, a: {}}", "duplicate-key 1:15 jobs.a"),
        ("environments: {dev: {version: 1}}\njobs: {a: {}}", "unknown-key 1:22 environments.dev.version"),
        ("jobs: {a: {}}\nenvironments: {dev: {jobs: {a: {env: 5}}}}", "wrong-type 2:38 environments.dev.jobs.a.env"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_problem_in_its_place(text: str, expected: str) -> None:
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("jobs: {a: {comand: [x]}}", "did you mean `command`?"),
        ("jobs: {a: {image: x}}", "write `docker_image`"),
        ("jobs: {a: {cpu: 4}}", "write `resource_flavor`"),
        ("shedule: x\njobs: {a: {}}", "did you mean `schedule`?"),
        ("tasks: {}\njobs: {a: {}}", "write `jobs`"),
        ("jobs: {a: {trigger_rule: al_done}}", "did you mean `all_done`?"),
        ("jobs: {a: {depends_on: b}}", "also for one job"),
        ("jobs: {a: {qqqqqq: 1}}", "use one of: "),
        ('max_active_runs: "1"\njobs: {a: {}}', '`"1"` is text, not a whole number, 1 or more -- remove the quotes'),
        ('jobs: {a: {retries: "3"}}', "remove the quotes: `retries: 3`"),
        ('jobs: {a: {timeout: "{{ params.t }}"}}', "`{{ }}` is not rendered here"),
        ("jobs:\n  a:\n  script: x\n", "if `script` is a key of a job, indent it by two more spaces"),
        ("jobs: {a: {matrix: {x: []}}}", "the list is empty"),
        ("jobs: {a: {}}\nparams: {x: {type: list}}", "write `array`"),
        (
            "jobs: {a: {resource_flavor: null}}\ndefaults: {resource_flavor: null}",
            "set it on the job or under `defaults`",
        ),
        ("jobs: {a: {output: json, script: \"{{ output('a') }}\"}}", "the job `a` reads its own output"),
        ("jobs: {a: {}}\ngroups: {g: {}}", "add `group: g` to its jobs"),
        ("jobs: {a: {when: '{{ params.x }}'}}", "declare it under `params`"),
        ("dag: {}\njobs: {a: {}}", "each file is one pipeline"),
    ],
)
def test_the_hint_says_how_to_fix_it(text: str, fix: str) -> None:
    assert fix in said(text)


LATER = "matrix for_each teardown inlets presets pod sidecars init_containers with_items"


@pytest.mark.parametrize("key", ["params_env", "deadline", "alerts", *[f"jobs.{key}" for key in LATER.split()]])
def test_a_word_that_is_not_understood_is_never_silent(key: str) -> None:
    """Either the language has the word, and says what is wrong with nothing; or it is unknown."""
    text = f"jobs: {{a: {{{key.removeprefix('jobs.')}: !!str }}}}" if "." in key else f"{key}: !!str\njobs: {{a: {{}}}}"
    assert problems(text) != []


def test_all_problems_are_reported_at_once() -> None:
    text = """
        shedule: x
        jobs:
          a: {comand: [x], timeout: 5, depends_on: [b, zz]}
          b: {script: "{{ dss }} ${{ nope }}", pool: pol}
    """
    assert problems(text) == [
        "unknown-key 1:1 shedule",
        "unknown-key 3:7 jobs.a.comand",
        "bad-duration 3:29 jobs.a.timeout",
        "unknown-job 3:48 jobs.a.depends_on[1]",
        "undefined-name 4:15 jobs.b.script",
        "unknown-pool 4:46 jobs.b.pool",
    ]


def test_a_wrong_job_is_still_a_job_to_wait_for() -> None:
    assert problems("jobs: {a: 5, b: {depends_on: [a]}}") == ["wrong-type 1:11 jobs.a"]


def test_a_file_of_another_version_is_not_judged_further() -> None:
    assert problems("version: 2\nnew: words\njobs: 5\n", head="") == ["unknown-version 1:10 version"]
    assert "missing-key" in problems("jobs: {a: {}}\n", head="")[0]


def test_a_file_with_very_many_problems_is_cut() -> None:
    jobs = "".join(f"  j{number}: {{timeout: 5}}\n" for number in range(200))
    reported = problems(f"jobs:\n{jobs}")
    assert len(reported) == 51
    assert reported[0] == "bad-duration 2:17 jobs.j0.timeout"
    assert reported[-1].startswith("too-many-problems 52:")


def test_a_problem_breaks_its_pipeline() -> None:
    assert Written("jobs: {a: {comand: [x]}}").compiled().pipelines == ()


def test_a_place_is_a_file_with_line_and_column_where_there_are_some() -> None:
    assert Problem("a.yaml", 3, 7, "c", "m").location == "a.yaml:3:7"
    assert Problem("a.yaml", 0, 0, "c", "m").location == "a.yaml"


def test_a_path_with_control_characters_is_printable() -> None:
    odd = Written('jobs: {"a\\tb": {}, "c\\e[2J": {depends_on: [x]}}')
    paths = [problem.path for problem in odd.compiled().problems]
    assert paths
    assert all(path.isprintable() for path in paths)


def test_a_job_in_the_first_column_belongs_under_jobs() -> None:
    text = "jobs:\n  a: {}\ntrain:\n  depends_on: [a]\n  script: x\n"
    assert problems(text) == ["unknown-key 3:1 train"]
    assert "below `jobs:`" in said(text)
    assert "below `jobs:`" not in said("jobs: {a: {}}\ntrain: {learning_rate: 1}\n")


@pytest.mark.parametrize(
    ("text", "twice"), [("jobs: {a: {}, b: {depends_on: [a, a]}}", "`a`"), ("only: [dev, dev]\njobs: {a: {}}", "`dev`")]
)
def test_a_value_that_is_listed_twice_is_named(text: str, twice: str) -> None:
    assert said(text) == f"{twice} is listed twice -- remove one of the two"
