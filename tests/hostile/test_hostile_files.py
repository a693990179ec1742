"""A bad commit affects only its own files and is reported; nothing in it runs code or reads other files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commits import GOOD, HEAD, codes_of, write

from dag_factory.config import open_project
from dag_factory.config.pipelines import compile_file
from dag_factory.config.project.survey import survey
from dag_factory.config.source import files


def billion_laughs() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    return "version: 1\n" + "\n".join(lines)


def chain(count: int) -> str:
    lines = (f"  j{n}: {{depends_on: [{'' if n == 0 else f'j{n - 1}'}]}}\n" for n in range(count))
    return HEAD + "".join(lines)


TEXTS: dict[str, str | bytes] = {
    "billion billion_laughs": billion_laughs(),
    "an alias inside its anchor": "version: 1\njobs: &a {x: *a}\n",
    "100,000 brackets": "version: 1\nx: " + "[" * 100_000,
    "100,000 dashes": "version: 1\nx:\n  " + "- " * 100_000 + "x",
    "a deep block": "version: 1\n" + "".join(" " * n + "a:\n" for n in range(500)),
    "10,000 jobs": HEAD + "".join(f"  j{n}: {{}}\n" for n in range(10_000)),
    "10,000 duplicate keys": HEAD + "  a: {}\n" * 10_000,
    "10,000 unknown keys": HEAD + "  a:\n" + "".join(f"    k{n}: 1\n" for n in range(10_000)),
    "two million bytes": "version: 1\n# " + "x" * 2_000_000,
    "a key of 100,000 characters": "version: 1\n" + "k" * 100_000 + ": 1\n",
    "binary": bytes(range(256)) * 100,
    "utf-16": "version: 1\n".encode("utf-16"),
    "nul bytes": b"version: 1\n\x00\x00",
    "only a byte order mark": b"\xef\xbb\xbf",
    "python objects": "version: 1\njobs: !!python/object/apply:os.system ['touch /tmp/pwned']\n",
    "nested loops": HEAD
    + '  a: {args: ["${% for a in range(90000) %}${% for b in range(90000) %}${% endfor %}${% endfor %}"]}\n',
    "a text that doubles": HEAD
    + '  a: {args: ["'
    + "${% set x = 'x' %}"
    + "${% set x = x ~ x %}" * 60
    + '${{ x }}"]}\n',
    "nested powers": HEAD + '  a: {args: ["${{ 9 ** 9 ** 9 ** 9 }}"]}\n',
    "Python in Jinja": HEAD + "  a: {args: [\"${{ ''.__class__.__mro__[1].__subclasses__() }}\"]}\n",
    "Jinja's globals": HEAD + '  a: {args: ["${{ cycler.__init__.__globals__.os.popen(1) }}"]}\n',
    "an include of a file by Jinja": HEAD + "  a: {args: [\"${% include '/etc/passwd' %}\"]}\n",
    "Jinja with 50,000 brackets": HEAD + '  a: {args: ["${{ ' + "(" * 50_000 + ' }}"]}\n',
    "run-time Jinja with 50,000 brackets": HEAD + '  a: {args: ["{{ ' + "(" * 50_000 + ' }}"]}\n',
    "an include of a file by run-time Jinja": HEAD + "  a: {args: [\"{% include '/etc/passwd' %}\"]}\n",
    "variables of Airflow": HEAD + '  a: {args: ["{{ var.value.secret }} {{ conn.db.password }}"]}\n',
    "a huge matrix": HEAD
    + "  a:\n    matrix: {"
    + ", ".join(f"k{k}: [{', '.join(map(str, range(50)))}]" for k in range(8))
    + "}\n",
    "a cron expression of 100,000 characters": GOOD + "schedule: '" + "*/1," * 20_000 + " * * * *'\n",
    "a name that leaves the folder": "version: 1\ntemplate: ../../../etc/passwd@v1\n",
    "a job template by path": HEAD + "  a: {uses: '/etc/passwd@v1'}\n",
    "a regular expression that backtracks": GOOD
    + "params: {a: {type: string, pattern: '^(a+)+$', default: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!}}\n",
    "a number of 5,000 digits": GOOD + "max_active_runs: " + "9" * 5_000 + "\n",
    "a number with a huge exponent": HEAD + "  a: {priority_weight: 1e999999}\n",
    "not a number": HEAD + "  a: {args: [\"${{ 'nan' | float }}\"]}\n",
    "an infinite number": HEAD + "  a: {args: [\"${{ 'inf' | float }}\"]}\n",
    "an unpaired surrogate": HEAD + "  a: {args: ['${{ \"\\ud800\" }}']}\n",
    "a NUL character": HEAD + "  a: {args: ['${{ \"\\u0000\" }}']}\n",
    "a NUL character in a key": HEAD + "  a: {args: ['${{ {\"\\u0000\": 1} | tojson }}']}\n",
    "terminal escapes": 'version: 1\n"\\e[2J\\e]0;owned\\a": 1\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_bad_file_affects_only_itself(home: Path, text: str | bytes) -> None:
    write(home, "pipelines/team/bad.yaml", text)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert codes_of(found, "bad.yaml") and not codes_of(found, "good.yaml")
    assert all(problem.message.isprintable() for problem in found.problems)
    assert not Path("/tmp/pwned").exists()


def test_a_chain_of_1000_jobs_is_compiled(home: Path) -> None:
    write(home, "pipelines/team/long.yaml", chain(1_000))
    found = open_project(home, "dev").compile_all()
    assert len(next(one for one in found.pipelines if one.id == "team.long").jobs) == 1_000


TEMPLATES = {
    "nested loops": "${% for a in range(90000) %}${% for b in range(90000) %}${% endfor %}${% endfor %}",
    "a text that doubles": "${% set x = 'x' %}" + "${% set x = x ~ x %}" * 60 + "doc: ${{ x }}",
    "a template that uses itself": "template: odd@v1",
    "a macro that calls itself": "${% macro m() %}${{ m() }}${% endmacro %}${{ m() }}",
    "too much text": "${% for i in range(90000) %}\njob${{ i }}: 12345678901234567890123456789012\n${% endfor %}",
    "a file": "${% include '/etc/passwd' %}",
    "an import": "${% from '/etc/passwd' import x %}",
    "invalid YAML": "a: [",
    "25 nested loops": "${% for a in [1] %}" * 25 + "${% endfor %}" * 25,
    "5,000 brackets": "doc: ${{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "a private character": "a: \ue0001\ue001",
}


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES)
def test_a_bad_template_affects_only_its_users(home: Path, text: str) -> None:
    write(home, "platform/templates/pipelines/odd/v1.yaml.j2", f"version: 1\n---\n{text}\n")
    write(home, "pipelines/team/bad.yaml", "version: 1\ntemplate: odd@v1\n")
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert codes_of(found, "bad.yaml")


@pytest.mark.parametrize(
    "text", ["9 ** 9999", "9 ** (9 ** 9)", "'x' * 10 ** 9", "[1] * 200000000", "'a' | replace('a', 'b' * 10 ** 9)"]
)
def test_run_time_expressions_are_not_computed_at_compile_time(home: Path, text: str) -> None:
    write(home, "pipelines/team/later.yaml", HEAD + f'  a: {{args: ["{{{{ {text} }}}}"]}}\n')
    assert {one.id for one in open_project(home, "dev").compile_all().pipelines} == {"team.good", "team.later"}


def test_a_fault_of_the_compiler_affects_only_one_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines/team/odd.yaml", GOOD)
    original = compile_file.compile_file

    def failing(file_id: str, *rest: Any) -> Any:
        if file_id == "team.odd":
            raise KeyError("never seen")
        return original(file_id, *rest)

    monkeypatch.setattr(compile_file, "compile_file", failing)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert codes_of(found, "odd.yaml") == ["compiler-failed"]


def link_out(home: Path) -> None:
    (home / "configs/pipelines/team/bad.yaml").symlink_to("/etc/passwd")


def link_loop(home: Path) -> None:
    (home / "configs/pipelines/team/bad.yaml").symlink_to("bad.yaml")


def link_to_folder(home: Path) -> None:
    (home / "configs/pipelines/bad.yaml").symlink_to("/")


def pipe(home: Path) -> None:
    os.mkfifo(home / "configs/pipelines/team/bad.yaml")


def folder(home: Path) -> None:
    (home / "configs/pipelines/team/bad.yaml").mkdir()


def device(home: Path) -> None:
    (home / "configs/pipelines/team/bad.yaml").symlink_to("/dev/zero")


def folder_loop(home: Path) -> None:
    (home / "configs/pipelines/bad.yaml").symlink_to("..")


def name_not_utf8(home: Path) -> None:
    Path(os.fsdecode(os.fsencode(home / "configs/pipelines/team") + b"/bad\xff.yaml")).write_text(GOOD)


def environment_not_utf8(home: Path) -> None:
    Path(os.fsdecode(os.fsencode(home / "configs/platform/environments") + b"/bad\xff.yaml")).write_text("version: 1\n")


def name_with_control_characters(home: Path) -> None:
    (home / "configs/pipelines/team/bad\n\x1b[2J.yaml").write_text(GOOD)


def environment_with_control_characters(home: Path) -> None:
    (home / "configs/platform/environments/bad\n\x1b[2J.yaml").write_text("version: 1\n")


PATHS = [link_out, link_loop, link_to_folder, pipe, folder, device, folder_loop]
NAMES = [name_not_utf8, environment_not_utf8, name_with_control_characters, environment_with_control_characters]


@pytest.mark.parametrize("make", [*PATHS, *NAMES], ids=lambda f: f.__name__)
def test_a_bad_path_affects_only_itself(home: Path, make: Callable[[Path], None]) -> None:
    make(home)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert len(found.problems) == 1 and "bad" in found.problems[0].file
    assert found.problems[0].location.isprintable() and found.problems[0].message.isprintable()
    assert survey(home).problems


def test_a_folder_deeper_than_the_path_limit_affects_only_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for top in ("pipelines", "platform"):
        monkeypatch.chdir(home / "configs" / top)
        try:
            for _ in range(1_200):
                Path("bad").mkdir()
                os.chdir("bad")
            found = open_project(home, "dev").compile_all()
        finally:  # here, because shutil.rmtree recurses once for each level
            while Path.cwd().name == "bad":
                os.chdir("..")
                Path("bad").rmdir()
        assert [one.id for one in found.pipelines] == ["team.good"]
        assert [problem.code for problem in found.problems] == (["too-deep"] if top == "pipelines" else [])


def test_file_names_with_capital_letters_are_rejected(home: Path) -> None:
    write(home, "pipelines/team/Good.yaml", GOOD)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert codes_of(found, "Good.yaml") == ["bad-name"]


@pytest.mark.parametrize(
    "dag_id", ["../../etc/passwd", "team..good", ".", "", "team.good.x.y.z", "a" * 100_000, "team.good\n", "team/good"]
)
def test_compile_one_accepts_any_dag_id(home: Path, dag_id: str) -> None:
    assert open_project(home, "dev").compile_one(dag_id).pipelines == ()


def test_a_file_that_is_deleted_while_it_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = write(home, "pipelines/team/gone.yaml", GOOD)
    read = files.read_listed

    def deleting(path: str, *rest: Any) -> object:
        if path.endswith("gone.yaml"):
            gone.unlink(missing_ok=True)
        return read(path, *rest)

    monkeypatch.setattr(files, "read_listed", deleting)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]


def test_a_secret_is_stored_as_a_reference(home: Path) -> None:
    write(home, "pipelines/team/bad.yaml", HEAD + "  a: {env: {DB: {secret: warehouse/url}}, args: [1]}\n")
    found = open_project(home, "dev").compile_all()
    (job,) = next(one for one in found.pipelines if one.id == "team.bad").jobs
    assert job.env[0].value is None and job.env[0].secret
