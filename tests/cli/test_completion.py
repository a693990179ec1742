"""``dagf completion``: what a real shell offers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from project_files import write

from dag_factory.cli.main import main

FAMILY = """version: 1
template: training@v1
instances: {de: {with: {country: de}}, fr: {with: {country: fr}}}
"""
PROGRAM = Path(sys.executable).parent
ASK = {
    "bash": """
source <(dagf completion bash)
COMP_WORDS=({words}); COMP_CWORD={last}
_dagf_completion dagf
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": """
dagf completion fish | source
complete --do-complete {line}
""",
    "zsh": """
autoload -U compinit && compinit -u -d {dump}
eval "$(dagf completion zsh)"
compadd() {{ print -l -- ${{(P)@[-1]}} }}
words=({words}); CURRENT={current}
_dagf_completion
""",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    write(folder, "platform/environments/prod.yaml", "version: 1\nflavors: {define: {gpu-big: {cpu: 1}}}\n")
    write(folder, "platform/alerts.yaml", "version: 1\nchannels: {oncall: {email: {to: [a@example.com]}}}\n")
    write(folder, "pipelines/growth/churn.yaml", FAMILY)
    write(folder, "pipelines/growth/broken.yaml", "version: 1\njobs: {one: {dokcer_image: x}, two: {}}\n")
    return folder


def ask(shell: str, words: list[str], home: Path) -> list[str]:
    """Return what a shell offers for the last of these words."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    line = ["dagf", *words]
    script = ASK[shell].format(
        words=shlex.join(line),
        last=len(words),
        current=len(line),
        line=shlex.quote(" ".join(line)),
        dump=home / ".zcompdump",
    )
    settings = {key: value for key, value in os.environ.items() if not key.startswith("DAG_FACTORY")}
    path = f"{PROGRAM}{os.pathsep}{settings.get('PATH', '')}"
    done = subprocess.run(
        [shell, "-c", script], cwd=home, env=settings | {"PATH": path, "HOME": str(home)},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert done.stderr == ""
    return sorted(text.partition("\t")[0].partition(":")[0] for text in done.stdout.split("\n") if text)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pla"], ["plan"]),
        (["cluster", "st"], ["status"]),
        (["check", "--fi"], ["--fix"]),
        (["graph", "growth."], ["growth.broken", "growth.churn.de", "growth.churn.fr"]),
        (["render", "example.hello", ""], ["count", "greet"]),
        (["render", "growth.broken", "t"], ["two"]),
        (["explain", "--env", "p"], ["prod"]),
        (["run", "example.hello", "--from", "g"], ["greet"]),
        (["run", "example.hello", "--param", ""], ["name="]),
        (["flavors", ""], ["cpu-large", "cpu-medium", "cpu-small", "gpu-big"]),
        (["alerts", "test", ""], ["oncall"]),
        (["plan", "--format", "m"], ["markdown"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bash_completes(words: list[str], expected: list[str], home: Path) -> None:
    assert ask("bash", words, home) == sorted(expected)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete(shell: str, home: Path) -> None:
    assert {"example.hello", "growth.broken"} <= set(ask(shell, ["graph", ""], home))
    assert ask(shell, ["check", "--env", "pr"], home) == ["prod"]


def test_outside_a_project_nothing_is_offered(tmp_path: Path) -> None:
    assert ask("bash", ["graph", ""], tmp_path) == []
