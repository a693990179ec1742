"""Short texts that need much work or memory: the compiler stops at a limit and reports it.

Without limits, each of these takes from half a minute to forever.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from commits import GOOD, HEAD, codes_of, write

from dag_factory.build.project import build_dags
from dag_factory.config import Compiled, open_project
from dag_factory.config.model import Param, Preset
from dag_factory.config.pipelines import compile_file
from dag_factory.config.project import pass_scheduler, project
from dag_factory.config.storage import read_file
from dag_factory.settings import BOUNDS

ITEMS = ", ".join(f"a{number}, {{a: {number}}}" for number in range(20_000))
LONG = "'a${{ matrix.k }}'"
REPEATING = "'^((a+)+$|.*)', default: '" + "a" * 60 + "!'"


def jobs(count: int, of: str) -> str:
    return "".join(f"  j{number}: {{{of}}}\n" for number in range(count))


def alias(count: int) -> str:
    return ", ".join(["*a"] * count)


TEXTS = {
    "a default that backtracks in Python": (
        GOOD + f"schedule: '@daily'\nparams: {{a: {{type: string, pattern: {REPEATING}}}}}\n",
        ["bad-default"],
    ),
    "a key of a default that backtracks in Python": (
        GOOD + f"params: {{a: {{items: {{patternProperties: {{'^(a+)+$': {{}}}}}}, default: [{{{'a' * 60}!: 1}}]}}}}\n",
        ["bad-default"],
    ),
    "a pattern that Python cannot read": (
        GOOD + "params: {a: {type: string, pattern: '\\p{L}', default: a}}\n",
        ["bad-param"],
    ),
    "a default of 40,000 items": (
        GOOD + f"params: {{a: {{type: array, uniqueItems: true, default: [{ITEMS}]}}}}\n",
        ["bad-default"],
    ),
    "a nested search in a list": (
        HEAD + "  a: {args: ['${{ range(90000)|reject(\"in\", range(90000)|list)|list|length }}']}\n",
        ["bad-expression"],
    ),
    "40,000 dependencies that are not names": (HEAD + f"  a: {{depends_on: [{ITEMS}]}}\n", ["bad-name"]),
    "6,000 unknown dependencies": (
        HEAD + jobs(300, f"depends_on: [{', '.join(f'job-{number}' for number in range(20))}]"),
        ["unknown-job"],
    ),
    "300 jobs that all depend on each other": (
        HEAD
        + "".join(
            f"  j{one}: {{depends_on: [{', '.join(f'j{other}' for other in range(300) if other != one)}]}}\n"
            for one in range(300)
        ),
        ["dependency-cycle"],
    ),
    "60,000 unknown names": (  # more text in `{{ }}` than the limit
        HEAD + "  a: {args: ['" + "".join(f"{{{{ n{number} }}}}" for number in range(60_000)) + "']}\n",
        ["bad-template"],
    ),
    "6,000 unknown names": (
        HEAD + "  a: {args: ['" + "".join(f"{{{{ n{number} }}}}" for number in range(6_000)) + "']}\n",
        ["undefined-name"],
    ),
    "3,000 expressions with errors": (
        HEAD + "  a: {args: [" + ", ".join(f"'${{{{ vars.n{number} }}}}'" for number in range(3_000)) + "]}\n",
        ["undefined-name"],
    ),
    "a long text under 400 aliases": (
        GOOD + f"doc: &a {'x' * 500_000}\njobs:\n  a: {{args: [{alias(400)}]}}\n",
        ["too-many-values"],
    ),
    "a long script under each of 1,000 jobs": (
        GOOD.replace("{", f"{{script: '{'x' * 900_000}', ", 1) + "jobs:\n" + jobs(1_000, ""),
        ["too-many-values"],
    ),
    "a long value in each of 3,000 arguments": (
        HEAD + f"  a: {{matrix: {{k: ['{'x' * 60_000}'], name: a-b}}, args: [{', '.join([LONG] * 3_000)}]}}\n",
        ["bad-expression", "too-many-values"],
    ),
    "a preset of 90,000 arguments for 250 jobs": (HEAD + jobs(250, "presets: [huge]"), ["too-many-values"]),
    "90 volumes for each of 1,000 jobs": (
        GOOD.replace(
            "{", "{volumes: [" + ", ".join(f"{{name: v{n}, pvc: c, mount_path: /{n}}}" for n in range(90)) + "], ", 1
        )
        + "jobs:\n"
        + jobs(1_000, ""),
        ["too-much-work"],
    ),
    "a long key under each of 500 jobs": (
        f"version: 1\ndefaults: {{docker_image: i, resource_flavor: small, env: {{? {'k' * 900_000} : x}}}}\n"
        + "jobs:\n"
        + jobs(500, ""),
        ["too-many-values"],
    ),
    **{
        f"a long text 60,000 times, as {what}": (
            HEAD + f'  a: {{args: ["{text.replace("LONG", "f" * 60_000)}"]}}\n',
            ["bad-expression"],
        )
        for what, text in {
            "JSON": "${{ range(60000)|map(attribute='x', default='LONG')|tojson|length }}",
            "text": "${{ range(60000)|map(attribute='x', default='LONG')|string|length }}",
            "a part of a text": "x${{ range(60000)|map(attribute='x', default='LONG') }}",
            "a list": "${{ range(60000)|map(attribute='x', default='LONG')|sort|length }}",
            "numbers": "${{ ['LONG']|map('int', 0, 32)|map('abs')|list * 60000 }}",
            "a range": "${{ range(60000)|map(attribute='x', default=range(90000)) }}",
        }.items()
    },
    "a list with long keys under an alias": (
        GOOD
        + f'doc: &a "${{{{ [{", ".join(f"{{(range(9)|join)*900~{n}: 1}}" for n in range(9))}]|string }}}}"\n'
        + f"jobs:\n  a: {{args: [{alias(1_500)}]}}\n",
        ["bad-expression"],
    ),
    "long defaults of 1,000 params": (
        GOOD
        + f"params:\n  a: {{type: integer, default: &a {'x' * 12_000}}}\n"
        + "".join(f"  p{number}: {{type: integer, default: *a}}\n" for number in range(90)),
        ["bad-default"],
    ),
    "60,000 duplicate keys": (HEAD + "  a:\n" + "    b: 1\n" * 60_000, ["duplicate-key", "unknown-key"]),
    "60,000 unknown environments": (
        GOOD + f"only: [dev, {', '.join(f'e{number}' for number in range(60_000))}]\n",
        ["unknown-environment"],
    ),
    "20,000 instances": (
        "version: 1\ntemplate: any@v1\ninstances:\n" + "".join(f"  i{number}: {{}}\n" for number in range(20_000)),
        ["too-many-instances"],
    ),
}


@pytest.mark.parametrize(("text", "codes"), TEXTS.values(), ids=TEXTS)
def test_too_much_work_is_stopped_and_reported(home: Path, text: str, codes: list[str]) -> None:
    write(home, "platform/presets.yaml", f"version: 1\npresets: {{huge: {{args: [{'a, ' * 90_000}b]}}}}\n")
    write(home, "pipelines/team/bad.yaml", text)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert {*codes_of(found, "bad.yaml")} - {"too-many-problems"} == {*codes}
    assert_readable(found)


def assert_readable(found: Compiled) -> None:
    """Check that there are few problems, and that each is short."""
    assert len(found.problems) <= BOUNDS.problems_per_file + 1
    assert all(len(problem.message) + len(problem.hint) + len(problem.path) <= 3_000 for problem in found.problems)


def test_an_input_that_backtracks_is_reported(home: Path) -> None:
    write(
        home, "platform/templates/jobs/odd/v1.yaml.j2", "version: 1\ninputs: {x: {pattern: '^(a+)+$'}}\n---\nargs: []\n"
    )
    write(home, "pipelines/team/bad.yaml", HEAD + f"  a: {{uses: odd@v1, with: {{x: {'a' * 60}!}}}}\n")
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert codes_of(found, "bad.yaml") == ["bad-input"]


def test_a_param_with_2000_options_is_accepted(home: Path) -> None:
    options = ", ".join(f"option-{number}" for number in range(2_000))
    write(home, "pipelines/team/good.yaml", GOOD + f"params: {{a: {{enum: [{options}]}}, b: 1}}\n")
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert not found.problems


BRACES = {"open": "{{" * 30_000, "closed": "{{x}}" * 10_000, "blocks": "{%" * 30_000 + "}}"}


@pytest.mark.parametrize("image", BRACES.values(), ids=BRACES)
def test_an_image_of_braces_is_reported(home: Path, image: str) -> None:
    rules = "images: {allowed: ['*/*'], mirrors: {docker.io: mirror.example.com}, forbid_latest: true}"
    write(home, "platform/environments/dev.yaml", f"version: 1\n{rules}\n")
    write(home, "pipelines/team/bad.yaml", HEAD + f"  a: {{docker_image: '{image}'}}\n")
    assert codes_of(open_project(home, "dev").compile_all(), "bad.yaml")


LINES = {
    "words": "a, " * 300_000,
    "quotes": '"a", ' * 180_000,
    "escapes": '"' + "\\\\" * 450_000 + '"',
    "spaces": " " * 900_000,
    "expressions": "'${{ inputs }}', " * 5_000,
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_template_with_one_long_line_is_read(home: Path, line: str) -> None:
    write(home, "platform/templates/jobs/odd/v1.yaml.j2", f"version: 1\n---\nargs: [{line}]\n")
    write(home, "pipelines/team/bad.yaml", HEAD + "  a: {uses: odd@v1}\n")
    found = open_project(home, "dev").compile_all()
    assert "team.good" in {one.id for one in found.pipelines}


@pytest.fixture
def short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has only one second."""
    bounds = msgspec.structs.replace(BOUNDS, file_seconds=1.0)
    for module in (project, build_dags, pass_scheduler):
        monkeypatch.setattr(module, "BOUNDS", bounds)


@pytest.mark.usefixtures("short_time")
def test_endless_work_is_interrupted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines/team/bad.yaml", GOOD)
    original = compile_file.compile_file

    def endless(file_id: str, *rest: Any) -> Any:
        while file_id == "team.bad":
            pass
        return original(file_id, *rest)

    monkeypatch.setattr(compile_file, "compile_file", endless)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert codes_of(found, "bad.yaml") == ["too-slow"]


@pytest.mark.usefixtures("short_time")
def test_an_interruption_is_not_cached_and_keeps_the_dag(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time depends on the machine: a later pass on a faster one compiles the file."""
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    write(home, "pipelines/team/bad.yaml", GOOD + "description: one\n")
    assert len(open_project(home, "dev").compile_all().pipelines) == 2
    write(home, "pipelines/team/bad.yaml", GOOD + "description: two\n")
    with monkeypatch.context() as slow:
        original = compile_file.compile_file

        def endless(file_id: str, *rest: Any) -> Any:
            while file_id == "team.bad":
                pass
            return original(file_id, *rest)

        slow.setattr(compile_file, "compile_file", endless)
        found = open_project(home, "dev").compile_all()
        assert codes_of(found, "bad.yaml") == ["too-slow"]
        assert {one.id: one.description for one in found.pipelines}["team.bad"] == "one"
    cache = open_project(home, "dev").cache()
    assert cache.was_stopped(cache.key(read_file.read(home, "team.bad")))  # so it is compiled after all others
    found = open_project(home, "dev").compile_all()
    assert not found.problems
    assert {one.id: one.description for one in found.pipelines}["team.bad"] == "two"


@pytest.mark.usefixtures("short_time")
def test_a_slow_build_of_a_dag_is_interrupted(home: Path) -> None:
    (good,) = open_project(home, "dev").compile_all().pipelines
    param = Param(name="a", schema={"type": "string", "pattern": "^((a+)+$|.*)"}, default="a" * 60 + "!")
    slow = msgspec.structs.replace(good, id="team.bad", schedule=Preset(name="@daily"), params=(param,))
    dags, problems = build_dags.build_dags([slow, good])
    assert [*dags] == ["team.good"]
    assert [(dag_id, problem.code) for dag_id, problem in problems.items()] == [("team.bad", "too-slow")]
