"""Every command of ``dagf``: help, colors, outputs that end early, a missing folder. It finds new commands itself."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from forked import CLOSED_PIPE, Forks

from dag_factory.cli.main import SECTIONS, main

START = {("up",), ("demo",), ("run",), ("cluster", "up")}
"""Commands that start servers. Here they run only with ``--help``."""
NEEDS = {("pods",), ("pods", "reap"), ("down",), ("alerts", "test")}
"""Commands that need a client of Airflow or of Kubernetes."""
SLOW = {"airflow", "fastapi", "httpx", "kubernetes", "psutil", "rich", "sqlalchemy", "uvicorn"}
"""Packages that take long to import."""
VALUES = {
    "paths": "configs",
    "pipeline": "example.hello",
    "dag_id": "example.hello",
    "job": "greet",
    "flavor": "cpu-small",
    "host": "github",
    "shell": "bash",
    "channels": "oncall",
    "pairs": "key=value",
    "kind": "job",
}
"""A value for each argument. Other arguments get a name that fits every rule."""


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words."""
    yield path, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from walk(one, (*path, name))


EVERY = dict(walk(main))
WORDS = [*EVERY]
IDS = [" ".join(path) or "dagf" for path in WORDS]
every_command = pytest.mark.parametrize("words", WORDS, ids=IDS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return new_project(tmp_path / "project")


def new_project(folder: Path) -> Path:
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    return folder


def line(words: tuple[str, ...]) -> list[str]:
    """Return a whole command line; for a group or a command that starts servers, that of its help."""
    command = EVERY[words]
    if words in START or (isinstance(command, click.Group) and not command.invoke_without_command):
        return [*words, "--help"]
    needed = [one for one in command.params if isinstance(one, click.Argument)]
    return [*words, *(VALUES.get(one.name or "", "sample") for one in needed)]


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    found = Forks(tmp_path_factory.mktemp("forks"))
    yield found
    found.close()


def _settings() -> dict[str, str]:
    """The environment of this process without a project of the caller."""
    return {key: value for key, value in os.environ.items() if not key.startswith("DAG_FACTORY")}


@every_command
def test_the_help_has_two_examples(words: tuple[str, ...]) -> None:
    text = CliRunner().invoke(main, [*words, "--help"]).output
    name = " ".join(("dagf", *words))
    examples = re.findall(rf"^    .*\b{name}\b", text.partition("Examples:")[2], re.MULTILINE)
    assert len(examples) >= 2
    assert not [one for one in text.splitlines() if len(one) > 120]


def test_the_help_lists_every_command_once() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(main.commands)


@every_command
def test_no_color_where_none_is_wanted(words: tuple[str, ...], project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as inner:
            inner.setenv("TERM", "xterm-256color")
            inner.setenv(name, value)
            result = CliRunner().invoke(main, line(words), color=True)  # as on a terminal
            assert "\x1b" not in result.output


def test_a_terminal_gets_colors(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" in CliRunner().invoke(main, ["check", "--home", str(project)], color=True).output


@every_command
def test_a_full_disk_is_one_line_and_exit_code_2(
    words: tuple[str, ...], project: Path, tmp_path: Path, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    monkeypatch.chdir(project)
    prints = bool(CliRunner().invoke(main, line(words)).stdout)
    done = forks.run(line(words), new_project(tmp_path / "second"), "/dev/full")
    assert "Traceback" not in done.stderr
    if prints:
        errors = [one for one in done.stderr.splitlines() if one.startswith("Error: ")]
        assert (done.returncode, errors) == (2, ["Error: the output cannot be written: No space left on device"])


@every_command
def test_a_closed_pipe_is_silent(words: tuple[str, ...], project: Path, forks: Forks) -> None:
    done = forks.run(line(words), project, CLOSED_PIPE)
    assert "Traceback" not in done.stderr and "Broken pipe" not in done.stderr and "Exception" not in done.stderr
    if words in START or words == ():
        assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize(("arguments", "code"), [("check", 0), ("flavors", 0), ("new pipeline", 2), ("graph x", 2)])
def test_closed_streams_are_no_error(arguments: str, code: int, project: Path) -> None:
    program = "from dag_factory.cli.main import main; main()"
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(program)} {arguments} <&- >&-"
    done = subprocess.run(
        ["sh", "-c", command], cwd=project, env=_settings(), stderr=subprocess.PIPE, text=True, check=False
    )
    assert ("Traceback" in done.stderr, done.returncode) == (False, code), done.stderr


@every_command
def test_a_missing_current_folder_is_one_error(words: tuple[str, ...], tmp_path: Path, forks: Forks) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = forks.run(line(words), gone, program=f"os.rmdir({str(gone)!r})")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2)
    if done.returncode:
        assert len([one for one in done.stderr.splitlines() if one.startswith("Error: ")]) == 1


@every_command
def test_ctrl_c_ends_with_130(words: tuple[str, ...], project: Path, forks: Forks) -> None:
    if "--help" in line(words):
        pytest.skip("not run here")
    program = """
import pathlib, click, dag_factory.cli.find_home as module
def interrupt(*_, **__):
    raise KeyboardInterrupt
module.find_home = pathlib.Path.cwd = click.echo = interrupt
"""
    done = forks.run(line(words), project, program=program)
    assert ("Traceback" in done.stderr, done.returncode) == (False, 130)


def test_a_command_imports_airflow_and_servers_only_if_it_needs_them(project: Path) -> None:
    lines = [line(words) for words in WORDS if words not in NEEDS]
    program = f"""
import sys
from click.testing import CliRunner
from dag_factory.cli.main import main
for arguments in {lines!r}:
    CliRunner().invoke(main, arguments)
    print(*arguments, *({SLOW!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env=_settings(), capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines() == [" ".join(arguments) for arguments in lines]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["chek"], "unknown command `chek`; did you mean `check`?"),
        (["cluster", "pss"], "unknown command `pss`; did you mean `ps`?"),
        (["check", "--evn", "local"], "--env"),
        (["check", "--env", "locl"], "did you mean `local`?"),
        (["graph", "example.helo"], "did you mean `example.hello`?"),
        (["render", "example.hello", "gret"], "did you mean `greet`?"),
        (["explain", "example.hello", "gret"], "did you mean the job `greet`?"),
        (["flavors", "cpu-smal"], "did you mean `cpu-small`"),
        (["pods", "--env", "locl"], "did you mean `local`?"),
        (["cluster", "images", "--env", "locl"], "did you mean `local`?"),
        (["alerts", "list", "--env", "locl"], "did you mean `local`?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_name_gets_a_suggestion(
    arguments: list[str], hint: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    monkeypatch.chdir(project)
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, hint in result.stderr) == (2, True), result.stderr
