"""``dagf check``: exit codes, output formats, and the choice of files and environments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner, Result
from project_files import write

from dag_factory.cli.main import main
from dag_factory.cli.report import rendered
from dag_factory.config import Problem

FLAVORS = "version: 1\nflavors: {small: {cpu: 1}}\n"
GOOD = "version: 1\ndefaults: {docker_image: image, resource_flavor: small}\njobs: {a: {}}\n"
BAD = GOOD.replace("{a: {}}", "{a: {comand: [x]}}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "project"
    write(home, "platform/flavors.yaml", FLAVORS)
    write(home, "platform/environments/dev.yaml", "version: 1\n")
    write(home, "platform/environments/prod.yaml", "version: 1\nvars: {x: y}\n")
    write(home, "pipelines/team/good.yaml", GOOD)
    monkeypatch.chdir(home)
    return home


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


@pytest.mark.usefixtures("home")
def test_without_problems_the_exit_code_is_0() -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No problems in 1 pipeline in 2 environments (dev, prod).\n"


def test_files_that_are_not_read_are_reported_without_their_content(home: Path) -> None:
    os.mkfifo(home / "configs/pipelines/team/pipe.yaml")
    (home / "configs/pipelines/team/zero.yaml").symlink_to("/dev/zero")
    result = run()
    assert result.exit_code == 1
    assert "pipe.yaml: not-a-file" in result.stdout
    assert "zero.yaml: outside-configs" in result.stdout


def test_with_errors_the_exit_code_is_1_and_each_line_is_shown_with_a_caret(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", BAD)
    result = run()
    assert result.exit_code == 1
    assert result.stdout == (
        "configs/pipelines/team/bad.yaml:3:12: unknown-key: unknown key `comand`\n"
        "  |\n"
        "3 | jobs: {a: {comand: [x]}}\n"
        "  |            ^^^^^^\n"
        "  | at jobs.a.comand\n"
        "  = help: did you mean `command`?\n"
        "\n"
    )
    assert result.stderr == "1 error in 2 pipelines in 2 environments.\n"


def test_format_line_prints_one_line_for_each_problem(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", BAD)
    result = run("--format", "line")
    assert result.exit_code == 1
    assert result.stdout == (
        "configs/pipelines/team/bad.yaml:3:12: error: unknown-key: unknown key `comand` (did you mean `command`?)\n"
    )
    assert result.stderr == ""


def test_format_json_prints_every_field(home: Path) -> None:
    assert json.loads(run("--format", "json").stdout) == []
    write(home, "pipelines/team/bad.yaml", BAD)
    (problem,) = json.loads(run("--format", "json").stdout)
    assert problem == {
        "file": "configs/pipelines/team/bad.yaml",
        "line": 3,
        "column": 12,
        "code": "unknown-key",
        "message": "unknown key `comand`",
        "path": "jobs.a.comand",
        "hint": "did you mean `command`?",
        "severity": "error",
    }


def test_env_selects_environments(home: Path) -> None:
    write(home, "pipelines/team/some.yaml", GOOD.replace("{a: {}}", "{a: {env: {A: '${{ vars.x }}'}}}"))
    assert "(in `dev`)" in run().stdout
    assert run("--env", "prod").exit_code == 0
    assert run("--env", "dev", "--env", "dev").stdout.count("undefined-name") == 1
    assert "(in" not in run("--env", "dev", "--env", "dev").stdout


@pytest.mark.usefixtures("home")
def test_an_unknown_environment_is_exit_code_2() -> None:
    result = run("--env", "prdo")
    assert result.exit_code == 2
    assert "did you mean `prod`?" in result.stderr


def test_paths_select_the_files_that_are_reported(home: Path) -> None:
    bad = write(home, "pipelines/team/bad.yaml", BAD)
    write(home, "pipelines/other/bad.yaml", BAD)
    assert run().stdout.count("unknown-key") == 2
    assert run(bad).stdout.count("unknown-key") == 1
    assert run("configs/pipelines/team").stderr == "1 error in 2 pipelines in 2 environments.\n"
    assert run("configs/pipelines/team/good.yaml").exit_code == 0
    assert run("configs/pipelines/team/good.yaml", "configs/pipelines/other").exit_code == 1
    assert run(home).stdout.count("unknown-key") == 2
    assert run("configs/platform").exit_code == 0


def test_paths_may_contain_dots_and_links(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = write(home, "pipelines/team/bad.yaml", BAD)
    monkeypatch.chdir(bad.parent)
    assert run("bad.yaml").stdout.count("unknown-key") == 1
    assert run("../team").stdout.count("unknown-key") == 1
    assert run("../../platform").exit_code == 0
    (tmp_path / "link").symlink_to(home)
    assert run(tmp_path / "link/configs/pipelines/team").stdout.count("unknown-key") == 1


def test_a_missing_path_and_a_path_outside_are_exit_code_2(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for path, words in ((home / "nope", "does not exist"), (home / "docs", "does not exist")):
        result = run(path)
        assert (result.exit_code, words in result.stderr) == (2, True)
    result = run("--home", home, tmp_path / "elsewhere")
    assert (result.exit_code, "is outside" in result.stderr) == (2, True)


def test_without_a_project_the_exit_code_is_2_and_the_message_names_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAG_FACTORY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no configs/ folder" in result.stderr
    assert "--home" in result.stderr
    result = run("--home", tmp_path)
    assert result.exit_code == 2
    assert "no configs/ folder" in result.stderr


def test_the_project_comes_from_the_option_the_variable_or_the_working_directory(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--home", home).exit_code == 0
    assert run("--home", "project").exit_code == 0
    monkeypatch.setenv("DAG_FACTORY_HOME", str(home))
    assert run().exit_code == 0
    monkeypatch.delenv("DAG_FACTORY_HOME")
    monkeypatch.chdir(home / "configs/pipelines/team")
    assert run().exit_code == 0


def test_warnings_are_marked() -> None:
    warning = Problem("a.yaml", 1, 3, "old", "words", severity="warning")
    error = msgspec.structs.replace(warning, severity="error")
    shown = [click.unstyle(rendered(one, ["x: y"])).splitlines()[0] for one in (warning, error)]
    assert shown == ["a.yaml:1:3: warning: old: words", "a.yaml:1:3: old: words"]


@pytest.mark.usefixtures("home")
def test_with_warnings_only_the_exit_code_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    from dag_factory.config.project.survey import Survey

    warning = Problem("configs/pipelines/team/good.yaml", 1, 1, "old", "words", hint="fix it", severity="warning")
    monkeypatch.setattr(
        "dag_factory.cli.commands.check.survey", lambda *_: Survey(("dev",), (warning.file,), (warning,))
    )
    result = run()
    assert result.exit_code == 0
    assert result.stderr == "1 warning in 1 pipeline in 1 environment.\n"


HOSTILE = 'version: 1\n"a\\e]0;title\\x07\\e[2J\\u202eb": "\\x9b31m"\njobs: {a: {pool: "x\\e[1A\\rall fine"}}\n'


@pytest.mark.parametrize("form", ["text", "line", "json"])
def test_control_characters_never_reach_the_terminal(home: Path, form: str) -> None:
    write(home, "pipelines/team/bad.yaml", HOSTILE)
    path = os.fsencode(home / "configs/pipelines") + b"/\x1b[2J\xff.yaml"
    with open(path, "w") as stream:  # noqa: PTH123 - the name is bytes
        stream.write(GOOD)
    result = run("--format", form)
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    shown = json.loads(result.stdout) if form == "json" else result.stdout
    assert len(shown) > 2
    raw = result.stdout.replace("\n", "")
    assert all(char.isprintable() for char in raw) or form == "json"
    assert "\x1b" not in raw


def test_a_long_line_is_shown_around_the_column(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", GOOD.replace("{a: {}}", f"{{a: {{doc: {'x' * 500}, comand: [x]}}}}"))
    line = run().stdout.splitlines()[2]
    assert "comand" in line
    assert len(line) < 200
    write(home, "pipelines/team/bad.yaml", GOOD.replace("{a: {}}", "\n  a:\n    script: |\n      x {{ dss }}\n"))
    assert run().stdout.splitlines()[2:4] == ["6 |       x {{ dss }}", "  |       ^"]


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.usefixtures("home")
def test_neither_airflow_nor_kubernetes_is_imported() -> None:
    code = (
        "import sys\nfrom dag_factory.cli.main import main\n"
        "try: main(['check'])\nexcept SystemExit as end: code = end.code\n"
        "heavy = [name for name in ('airflow', 'kubernetes', 'fastapi', 'sqlalchemy') if name in sys.modules]\n"
        "print(code, heavy)"
    )
    assert process("-c", code).stdout == "0 []\n"


def test_colours_are_used_on_terminals_only(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", BAD)
    result = process("-c", "from dag_factory.cli.main import main; main(['check'])")
    assert result.returncode == 1
    assert "unknown-key" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.usefixtures("home")
def test_an_interruption_is_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dag_factory.cli.commands.check.survey", interrupted)
    assert run().exit_code == 128 + signal.SIGINT


def test_ctrl_c_prints_no_traceback(home: Path) -> None:
    for number in range(300):
        write(home, f"pipelines/many/p{number}.yaml", GOOD)
    code = (
        "from dag_factory.cli.commands import check\nfrom dag_factory.cli.main import main\nlook = check.survey\n"
        "def survey(*given):\n    print('ready', flush=True)\n    while True:\n        look(*given)\n"
        "check.survey = survey\nmain(['check'])"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=600)
    assert running.returncode == 128 + signal.SIGINT
    assert "Traceback" not in err


def test_help_lists_formats_and_exit_codes() -> None:
    text = click.unstyle(CliRunner().invoke(main, ["check", "--help"]).output)
    assert "--format [text|line|json|github|gitlab]" in text
    assert "Exit code" in text
