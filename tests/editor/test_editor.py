"""Completions, hover texts and diagnostics of an editor with a YAML language server, after ``dagf schema``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest
from lsp import LanguageServer

FILES = {
    "platform/flavors.yaml": """
        version: 1
        pools: {gpu: 8}
        flavors:
          cpu-small: {cpu: 1, memory: 2Gi, cost_per_hour: 0.05, next: cpu-large, labels: {tier: a}}
          cpu-large: {cpu: 16, memory: 64Gi}
        """,
    "platform/environments/dev.yaml": "version: 1\ndescription: Where changes are tried\n",
    "platform/environments/prod.yaml": "version: 1\nflavors: {define: {huge: {cpu: 96}}}\n",
    "platform/templates/jobs/report/v1.yaml.j2": """
        version: 1
        description: Writes a report.
        inputs:
          table: {type: string, description: The table to read.}
          style: {enum: [short, long], default: short}
        ---
        script: echo ${{ inputs.table }}
        """,
    "pipelines/growth/churn.yaml": "version: 1\njobs: {extract: {}, train: {}}\n",
    "pipelines/growth/other.yaml": "version: 1\njobs: {elsewhere: {}}\n",
}
PIPELINE = "configs/pipelines/growth/churn.yaml"
_NUMBERS = count()
HEAD = "version: 1\njobs:\n  extract:\n    script: echo\n  train:\n"


def new_file() -> str:
    """Return the name of a pipeline file that is not open yet."""
    return f"configs/pipelines/growth/new{next(_NUMBERS)}.yaml"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory, open_editor: Callable[[Path], LanguageServer]) -> LanguageServer:
    home = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        path = home / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), "utf-8")
    return open_editor(home)


def test_keys_are_completed_with_their_documentation(editor: LanguageServer) -> None:
    found = editor.completions(PIPELINE, "version: 1\n|>")
    assert "cron expression" in found["schedule"]
    assert "merged over the rest of the file" in found["environments"]
    found = editor.completions(PIPELINE, HEAD + "    |>")
    assert "container image" in found["docker_image"]
    assert "script" in found
    assert "schedule" not in found


@pytest.mark.parametrize("where", [HEAD + "    resource_flavor: |>", "version: 1\ndefaults:\n  resource_flavor: c|>\n"])
def test_flavors_are_completed_with_their_resources(editor: LanguageServer, where: str) -> None:
    found = editor.completions(PIPELINE, where)
    assert found["cpu-small"] == "cpu: 1, memory: 2Gi, cost_per_hour: 0.05, next: cpu-large"
    assert set(found) - {"null"} == {"cpu-small", "cpu-large", "huge"}


def test_hover_on_a_flavor_shows_its_resources(editor: LanguageServer) -> None:
    shown = editor.hover(PIPELINE, HEAD + "    resource_flavor: cpu|>-large\n")
    assert "The resources of the job" in shown
    assert "`cpu-large`: cpu: 16, memory: 64Gi" in shown


@pytest.mark.parametrize(
    "text",
    ["[ |>]", "[ex|>]", "[extract, |>]", "\n      - |>", "\n      - tr|>", "\n      - extract\n      - |>"],
    ids=repr,
)
def test_depends_on_completes_the_jobs_of_the_file(editor: LanguageServer, text: str) -> None:
    """Also while the file changes: `report` is not saved yet, and the text is not always valid YAML."""
    found = editor.completions(PIPELINE, f"{HEAD}  report:\n    depends_on: {text}\n")
    assert {"extract", "train"} <= set(found)
    assert "elsewhere" not in found


def test_depends_on_in_an_environment_completes_the_jobs_of_the_file(editor: LanguageServer) -> None:
    overlay = "environments:\n  dev:\n    jobs:\n      train:\n        depends_on:\n          - |>\n"
    assert {"extract", "train"} <= set(editor.completions(PIPELINE, HEAD + "    script: echo\n" + overlay))


@pytest.mark.parametrize(
    "key", ["for_each:\n      output: |>", "teardown:\n      of: |>", "teardown: {of: [tr|>]}"], ids=repr
)
def test_other_keys_that_name_a_job_complete_jobs(editor: LanguageServer, key: str) -> None:
    assert {"extract", "train"} <= set(editor.completions(PIPELINE, f"{HEAD}    {key}\n"))


def test_a_new_file_completes_job_names_of_the_project(editor: LanguageServer) -> None:
    text = "version: 1\njobs:\n  elsewhere:\n  new:\n    depends_on: [e|>]\n"
    assert set(editor.completions("configs/pipelines/growth/new.yaml", text)) == {"elsewhere"}


def test_completing_a_map_inserts_no_default_values(editor: LanguageServer) -> None:
    assert editor.insertions(PIPELINE, HEAD + "    ret|>")["retries"].rstrip() == "retries:"
    assert editor.insertions(PIPELINE, "version: 1\ndef|>")["defaults"].rstrip() == "defaults:"


def test_environments_and_pools_are_completed(editor: LanguageServer) -> None:
    assert {"dev", "prod"} <= set(editor.completions(PIPELINE, "version: 1\nonly:\n  - |>"))
    found = editor.completions(PIPELINE, HEAD + "    script: echo\nenvironments:\n  |>")
    assert found["dev"] == "Where changes are tried"
    assert {"gpu", "default_pool"} <= set(editor.completions(PIPELINE, HEAD + "    pool: |>\n"))
    assert "cpu-large" in editor.completions("configs/platform/environments/dev.yaml", REPLACE + "cpu-|>\n")


REPLACE = "version: 1\nflavors:\n  replace:\n    cpu-small: "


def test_templates_and_their_inputs_are_completed(editor: LanguageServer) -> None:
    assert editor.completions(PIPELINE, HEAD + "    uses: r|>\n")["report@v1"] == "Writes a report."
    call = HEAD + "    uses: report@v1\n    with:\n      "
    assert editor.completions(PIPELINE, call + "|>") == {
        "table": "The table to read. Required.",
        "style": 'Default: "short"',
    }
    assert {"short", "long"} <= set(editor.completions(PIPELINE, call + "style: |>\n"))
    [(line, found)] = editor.diagnostics(new_file(), call + "tabel: a\n")
    assert line == 8
    assert "tabel is not allowed" in found


def test_hover_on_a_key_shows_its_documentation(editor: LanguageServer) -> None:
    shown = editor.hover(PIPELINE, HEAD + "    trigger|>_rule: all_done\n")
    assert "depending on the results of its dependencies" in shown
    assert "`all_done`: All dependencies ended, with any result." in shown
    assert "How long one try may take" in editor.hover(PIPELINE, HEAD + "    time|>out: 1h\n")


WRONG = [
    ("imag: a", "imag is not allowed"),
    ("resource_flavor: cpu-medium", "Value is not accepted"),
    ("trigger_rule: all_good", "Value is not accepted"),
    ("timeout: 30", "A duration such as"),
    ("timeout: 30 s", "A duration such as"),
    ("timeout: 0h0m", "greater than zero"),
    ("timeout: 99999d", "at most 9999d"),
    ("depends_on: extract", "A list of job names"),
    ("pool: cpu", "Value is not accepted"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text for text, _ in WRONG])
def test_errors_are_diagnosed(editor: LanguageServer, text: str, message: str) -> None:
    [(line, found)] = editor.diagnostics(new_file(), f"{HEAD}    {text}\n")
    assert line == 6
    assert message in found


def test_valid_text_has_no_diagnostics(editor: LanguageServer) -> None:
    text = """
        version: 1
        schedule: "0 3 * * *"
        catchup: ${{ vars.catchup }}
        defaults:
          docker_image: "${{ vars.registry }}/churn:1"
          resource_flavor: "${{ vars.flavor }}"
          timeout: ${{ vars.timeout }}
          retries: ${{ vars.retries }}
          trigger_rule: "${{ vars.rule }}"
          env: {A: 1.0, B: {secret: a/b}, C: "{{ ds }}"}
        jobs:
          one: {resource_flavor: huge, keep_pod: on_failure, deferrable: "${{ vars.long }}"}
          new-name: {depends_on: [one, not-yet-known], resource_flavor: null}
          two: {uses: report@v1, with: {table: "${{ vars.table }}"}}
        environments:
          dev: {schedule: null, jobs: {one: null}}
        """
    assert editor.diagnostics(new_file(), dedent(text)) == []


@pytest.mark.parametrize("first", ["with its own schema", "without"])
def test_the_examples_have_no_diagnostics(first: str, open_editor: Callable[[Path], LanguageServer]) -> None:
    """With their first line, which selects the schemas without the project's names, and without it."""
    home = Path(__file__).resolve().parents[2]
    editor = open_editor(home)
    for path in sorted((home / "configs").rglob("*.yaml")):
        text = path.read_text("utf-8")
        file = path.relative_to(home).as_posix()
        assert text.startswith("# yaml-language-server: $schema=")
        assert editor.diagnostics(file, text if first == "with its own schema" else text.partition("\n")[2]) == [], file
