"""``notebook@v1``: papermill in a real pod, its parameters, its output, and its error messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from live import Live
from running import compile_job, failure_of, problems_of, run_in_pod, run_process

from dag_factory import cluster

VOLUME = {"volumes": [{"mount_path": "/reports", "pvc": "reports"}]}
INPUTS = {
    "notebook": "report.ipynb",
    "output_notebook": "/reports/new/{{ run_date }}.ipynb",
    "parameters": {"day": "{{ run_date }}", "rows": "{{ output('extract') | tojson }}"},
}


def report(**changes: Any) -> Any:
    return compile_job("notebook@v1", {**INPUTS, **changes}, "papermill:1", **VOLUME)


def test_a_notebook_runs_with_its_parameters(live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    nasty = "a\"b'c\\ \u2028 \U0001f600 $(HOME)"
    assert run_in_pod(live, report(), {"extract": [1.5, None, True, nasty]}) == {
        "notebook": "/reports/new/2026-01-31.ipynb"
    }
    assert "Said by the notebook: 2026-01-31 [1.5, None, True, " in capfd.readouterr().out
    folder = cluster.claim_folder(live.handle.state, "default", "reports")
    result = json.loads((folder / "new" / "2026-01-31.ipynb").read_text())
    said = "".join(result["cells"][2]["outputs"][0]["text"])
    assert said == f"Said by the notebook: 2026-01-31 {[1.5, None, True, nasty]}\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"parameters": {"rows": ["bad"]}},
            "notebook@v1: cell 3 failed: AssertionError: these rows are bad; see `/reports",
        ),
        ({"parameters": {"dya": 1}}, "notebook@v1: the notebook has no parameter `dya`, it has `day`"),
        ({"notebook": "other.ipynb"}, "notebook@v1: notebook `other.ipynb` not found in `/app`"),
        ({"kernel": "julia"}, "notebook@v1: the image has no kernel `julia`: install one"),
    ],
)
def test_an_error_is_reported_in_one_line(live: Live, changes: dict[str, Any], message: str) -> None:
    failure = failure_of(live, report(**changes), {"extract": []})
    assert message in failure and "Traceback" not in failure


def test_the_error_for_an_image_without_papermill_says_what_to_install() -> None:
    result = run_process(compile_job("notebook@v1", INPUTS), outputs={"extract": []})
    assert result.code == 64 and "the image has no `papermill`: install `papermill` and `ipykernel`" in result.error


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{notebook: a.ipynb}", "missing-input the template `notebook@v1` needs the input `output_notebook` -- add"),
        (
            "{notebook: a, output_notebook: b, parameters: [1]}",
            "bad-input the input `parameters` of `notebook@v1`: `[1]`",
        ),
        (
            "{notebook: a, output_notebook: b, cell_timeout: 30}",
            "bad-input the input `cell_timeout` of `notebook@v1`: `30`",
        ),
    ],
)
def test_a_wrong_call_is_reported_when_the_file_is_read(inputs: str, expected: str) -> None:
    problems = problems_of("notebook@v1", inputs)
    assert any(line.startswith(expected) for line in problems), problems
