"""``python@v1``: a function or a code snippet, its arguments and the value that it returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live import Live
from running import compile_job, failure_of, problems_of, run_in_pod, run_process

MODULE = """\
from datetime import date

def add(first: int, second: int = 2) -> int:
    return first + second

def odd():
    return {1, 2}

class Tool:
    @staticmethod
    def when() -> dict:
        return {"day": date(2026, 1, 31)}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("import not_there\n")
    return tmp_path


def test_the_output_of_a_snippet_is_the_value_that_it_returns(live: Live) -> None:
    nasty = "a'b\"c\\ $HOME $(PATH) $$ {#} \n é\U0001f600"
    job = compile_job(
        "python@v1",
        {
            "code": "# a 'body' \"of\" a function: $$ $(PATH)\nseen = [day, text, rows, nested]\nreturn seen",
            "arguments": {
                "day": "{{ run_date }}",
                "text": nasty,
                "rows": "{{ output('extract').rows | tojson }}",
                "nested": [{"said": "<{{ output('extract').said }}>"}, 1.5, None, True],
            },
        },
    )
    outputs = {"extract": {"rows": [1, {"a": nasty}], "said": nasty}}
    assert run_in_pod(live, job, outputs) == [
        "2026-01-31",
        nasty,
        [1, {"a": nasty}],
        [{"said": f"<{nasty}>"}, 1.5, None, True],
    ]


def test_a_callable_of_the_image(live: Live) -> None:
    assert run_in_pod(live, compile_job("python@v1", {"callable": "json:dumps", "arguments": {"obj": [1]}})) == "[1]"


def test_a_failing_function_fails_the_job_and_the_traceback_shows_the_line_of_the_code(live: Live) -> None:
    job = compile_job("python@v1", {"code": "first = 1\nraise ValueError(f'not {first}')\n"})
    failure = failure_of(live, job)
    assert 'File "<code>", line 2' in failure and "raise ValueError(f'not {first}')" in failure
    assert "<string>" not in failure


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"callable": "tools:add", "arguments": {"first": 1}}, ""),
        ({"callable": "tools:Tool.when"}, ""),
        ({"callable": "tolls:add"}, "no module `tolls`: install it in the image, or set `working_dir`"),
        ({"callable": "tools:ad"}, "the module `tools` has no `ad`"),
        ({"callable": "tools:date.max"}, "`tools:date.max` is not a function"),
        ({"callable": "tools:add"}, "cannot be called with these arguments: missing a required argument: 'first'"),
        (
            {"callable": "tools:add", "arguments": {"first": 1, "third": 3}},
            "got an unexpected keyword argument 'third'",
        ),
        ({"callable": "tools:odd"}, "the returned value cannot be converted to JSON: it contains a set"),
        ({"code": "return float('nan')"}, "the returned value cannot be converted to JSON"),
        ({"code": "x = 1\nreturn (\n"}, "the code is not valid Python: '(' was never closed, on line 2"),
        (
            {"code": "return 1", "from_env": {"a": "NOT_THERE"}},
            "the environment variable `NOT_THERE` in",
        ),
        ({"code": "assert (a, b) == ('7', [7])", "from_env": {"a": "A", "b": "B"}}, ""),
        ({"code": "# only a comment"}, ""),
        ({"code": "return 1", "arguments": {"a": "{{ 'x' | tojson | upper }}", "b": "{{ '}' }}"}}, ""),
    ],
)
def test_a_wrong_call_ends_with_one_line_and_exit_code_64(folder: Path, inputs: dict[str, Any], message: str) -> None:
    result = run_process(compile_job("python@v1", inputs), {"A": "7", "B": "[7]"}, folder)
    assert message in result.error
    assert result.code == (64 if message else 0)
    assert "Traceback" not in result.error


def test_a_failing_import_inside_a_module_shows_the_line(folder: Path) -> None:
    result = run_process(compile_job("python@v1", {"callable": "broken:main"}), cwd=folder)
    assert result.code == 1 and 'broken.py", line 1' in result.error


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            "{}",
            "missing-input the template `python@v1`: exactly one of `callable` and `code` is required -- add `call",
        ),
        (
            "{code: x, callable: 'a:b'}",
            "bad-input the input `code` of `python@v1`: `callable` and `code` cannot be used",
        ),
        (
            "{callable: a.b}",
            "bad-input the input `callable` of `python@v1`: `a.b` is not a function such as churn.train",
        ),
        (
            "{code: 'return {{ ds }}'}",
            "bad-input the input `code` of `python@v1`: the code contains `{{ }}`, which is not rendered there",
        ),
        ("{cod: x}", "unknown-input the template `python@v1` has no input `cod` -- did you mean `code`?"),
        (
            "{code: x, arguments: {a-b: 1}}",
            "bad-input the input `arguments` of `python@v1`: `a-b` is not a valid Py",
        ),
        ("{code: x, arguments: [1]}", "bad-input the input `arguments` of `python@v1`: `[1]` is not a map of keys and"),
        ("{code: x, arguments: {a: '{{ nope }}'}}", "undefined-name `nope` is not defined in a template"),
        ("{code: x, arguments: {a: '{{ nope'}}", "bad-expression `{{ nope` is not valid Jinja"),
    ],
)
def test_a_wrong_call_is_reported_when_the_file_is_read(inputs: str, expected: str) -> None:
    problems = problems_of("python@v1", inputs)
    assert any(line.startswith(expected) for line in problems), problems
