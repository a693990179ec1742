"""Free text of the trigger form in a script is a warning, but only for params that can be any text."""

from __future__ import annotations

import pytest
from written import Written, problems, said

PARAMS = (
    "params: {title: {type: string, default: a}, bare: some text, open: {},"
    " maybe: {type: [string, 'null'], default: null},"
    " size: {type: string, enum: [s, m], default: s}, day: {type: string, format: date, default: '2026-01-01'},"
    " code: {type: string, pattern: '^[a-z]+$', default: a}, folds: {type: integer, default: 5}, rate: 0.5}\n"
)


def script(text: str, params: str = PARAMS) -> list[str]:
    return problems(f"schedule: null\n{params}jobs:\n  a:\n    script: |\n      set -e\n      {text}\n")


@pytest.mark.parametrize(
    "text",
    [
        "echo '{{ params.title }}'",
        "echo '{{ params.bare }}'",
        "echo '{{ params.maybe }}'",
        "echo {{ params['title'] }}",
        "echo {{ params.get('title') }}",
        "echo {{ params.title | upper }}",
        "echo {{ params.title.strip() }}",
        "echo {{ 'no' if params.folds == 1 else params.title }}",
        "echo {{ 'a' ~ params.title }} {{ params.title }}",
        "{% if params.folds %}echo {{ params.title or 'x' }}{% endif %}",
    ],
)
def test_free_text_in_a_script_is_a_warning(text: str) -> None:
    [found] = script(text)
    assert found == "text-in-script 7:1 jobs.a.script"


@pytest.mark.parametrize(
    "text",
    [
        "echo {{ params.size }} {{ params.day }} {{ params.code }} {{ params.folds }} {{ params.rate }}",
        "echo {{ params.title | length }} {{ params.title | int }}",
        "echo '{{ params.title | tojson }}'",
        "echo {{ 'yes' if params.title == 'x' else 'no' }}",
        "{% if params.title %}echo{% endif %}",
        "echo {% raw %}{{ params.title }}{% endraw %}",
        "echo {{ ds }} $TITLE",
    ],
)
def test_a_value_that_cannot_end_its_quotes_is_allowed(text: str) -> None:
    assert script(text) == []


def test_arguments_and_variables_are_allowed() -> None:
    assert problems(PARAMS + "jobs: {a: {args: ['{{ params.title }}'], env: {A: '{{ params.title }}'}}}") == []


def test_the_hint_is_the_fix() -> None:
    body = "jobs: {a: {script: \"echo '{{ params.title }}'\"}}"
    assert 'env: {TITLE: "{{ params.title }}"}' in said(PARAMS + body)
    [hint] = [problem.hint for problem in Written(f"{PARAMS}params_env: P_\n{body}").compiled().problems]
    assert hint == 'use `"$P_TITLE"` in the script'


LISTS = (
    "params: {names: {type: array, items: {type: string}, default: [a]},"
    " sizes: {type: array, items: {type: integer}, default: [1]}}\n"
)


@pytest.mark.parametrize(("name", "codes"), [("names", ["text-in-script"]), ("sizes", [])])
def test_text_in_a_list_param(name: str, codes: list[str]) -> None:
    assert [one.split()[0] for one in script(f"echo {{{{ params.{name}[0] }}}}", LISTS)] == codes
    job = f"  a:\n    for_each: {{param: {name}}}\n    script: echo {{{{ item }}}}\n"
    assert [one.split()[0] for one in problems(f"schedule: null\n{LISTS}jobs:\n{job}")] == codes
