"""``dagf check --fix``: which problems it fixes, and that it changes nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from project_files import write

from dag_factory.cli.main import main
from dag_factory.config.problem_codes import table
from dag_factory.config.problems import Problem
from dag_factory.config.project import survey as survey_module
from dag_factory.fixes import fix as fix_module
from dag_factory.fixes.propose import FIXES, propose_fix
from dag_factory.fixes.typo import is_typo

FLAVORS = "version: 1\npools: {gpu: 4}\nflavors: {small: {cpu: 1}, cpu-large: {cpu: 4}, gpu-large: {cpu: 4}}\n"
HEAD = "version: 1\ndefaults: {docker_image: image, resource_flavor: small}\n"
FILE = "pipelines/team/a.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path, "platform/flavors.yaml", FLAVORS)
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\n")
    write(tmp_path, "platform/environments/prod.yaml", "version: 1\nflavors: {define: {only-prod: {cpu: 1}}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", "--fix", *arguments])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: {comand: [x]}", "a: {command: [x]}"),
        ("a: {'comand': [x]}", "a: {'command': [x]}"),
        ("a: {resource_flavor: smal}", "a: {resource_flavor: small}"),
        ('a: {resource_flavor: "smal" , doc: smal}', 'a: {resource_flavor: "small" , doc: smal}'),
        ("a: {image: other}", "a: {docker_image: other}"),
        ("a: {trigger_rule: all_dome}", "a: {trigger_rule: all_done}"),
        ("a: {keep_pod: allways}", "a: {keep_pod: always}"),
        ("a: {pool_slots: '2'}", "a: {pool_slots: 2}"),
        ("train: {}, b: {depends_on: [trian]}", "train: {}, b: {depends_on: [train]}"),
        (
            "a: {pod: {spec: {volumes: [{name: x, secret: {secretName: s, defaultMode: 0400}}]}}}",
            "a: {pod: {spec: {volumes: [{name: x, secret: {secretName: s, defaultMode: 0o400}}]}}}",
        ),
        ("a: {args: [{{ ds }}]}", 'a: {args: ["{{ ds }}"]}'),
    ],
)
def test_what_is_fixed(home: Path, before: str, after: str) -> None:
    path = write(home, FILE, f"{HEAD}jobs: {{{before}}}\n")
    result = run()
    assert (path.read_text(), result.exit_code) == (f"{HEAD}jobs: {{{after}}}\n", 0), result.output
    assert "Fixed 1 problem in 1 file." in result.stderr
    again = run()
    assert (again.exit_code, again.stderr.splitlines()[0]) == (0, "Nothing to fix.")


@pytest.mark.parametrize(
    "text",
    [
        "a: {resource_flavor: xpu-large}",  # two flavors are equally close
        "a: {resource_flavor: gpu-lorge}",  # another letter in a name
        "a: {resource_flavor: only-prod}",  # only some environments have the problem
        "a: {resource_flavor: &f smal}, b: {resource_flavor: *f}",
        "job1: {}, b: {depends_on: [job2]}",
        "a: {comand: [x], command: [y]}",  # the fix would lead to a duplicate key
        "a: {comand: 5}",  # the fix would lead to a wrong type
        "a: {depends_on: [a]}",
    ],
)
def test_what_people_must_decide_is_not_fixed(home: Path, text: str) -> None:
    path = write(home, FILE, f"{HEAD}jobs: {{{text}}}\n")
    before = path.read_bytes()
    result = run()
    assert (path.read_bytes(), result.exit_code) == (before, 1)
    assert result.stderr.startswith(("Nothing to fix.", "Nothing was fixed."))


def test_the_output_names_each_change_and_each_change_that_was_taken_back(home: Path) -> None:
    write(home, FILE, f"{HEAD}jobs:\n  a: {{comand: [x]}}\n  b: {{comand: [x], command: [y]}}\n")
    result = run()
    assert result.stdout.splitlines()[:2] == [
        "configs/pipelines/team/a.yaml:4:7: fixed unknown-key: `comand` -> `command`",
        "configs/pipelines/team/a.yaml:5:7: not fixed unknown-key: the change would lead to `duplicate-key`: "
        "configs/pipelines/team/a.yaml:5:21: duplicate key `command` (first defined on line 5)",
    ]
    assert "configs/pipelines/team/a.yaml:5:7: unknown-key" in result.stdout
    assert result.exit_code == 1


def test_only_the_given_files_are_changed(home: Path) -> None:
    text = f"{HEAD}jobs: {{a: {{comand: [x]}}}}\n"
    one, other = write(home, FILE, text), write(home, "pipelines/team/b.yaml", text)
    assert run(str(one)).exit_code == 0
    assert (one.read_text() == text, other.read_text() == text) == (False, True)


@pytest.mark.usefixtures("home")
def test_environments_cannot_be_chosen() -> None:
    result = run("--env", "dev")
    assert (result.exit_code, "without --env" in result.stderr) == (2, True)


def test_a_file_with_a_wrong_ending_is_renamed_unless_the_other_file_exists(home: Path) -> None:
    old = write(home, "pipelines/team/a.yml", f"{HEAD}jobs: {{a: {{}}}}\n")
    result = run()
    assert result.exit_code == 0
    assert "a.yml: fixed bad-name: renamed to configs/pipelines/team/a.yaml" in result.stdout
    assert (old.exists(), old.with_suffix(".yaml").exists()) == (False, True)
    write(home, "pipelines/team/a.yml", "version: 1\n")
    result = run()
    assert (result.exit_code, old.exists()) == (1, True)
    assert "not fixed bad-name: configs/pipelines/team/a.yaml exists already" in result.stdout


def test_a_renamed_file_with_problems_gets_its_old_name_back(home: Path) -> None:
    old = write(home, "pipelines/team/a.yml", "version: 1\n")
    assert run().exit_code == 1
    assert sorted(path.name for path in old.parent.iterdir()) == ["a.yml"]


def test_a_problem_in_a_template_does_not_change_its_caller(home: Path) -> None:
    write(
        home,
        "platform/templates/jobs/t/v1.yaml.j2",
        "version: 1\ndescription: A template\ninputs: {type: object, properties: {}}\n---\n"
        "docker_image: image\nresource_flavor: smal\n",
    )
    text = f"{HEAD}jobs: {{smal: {{template: t@v1}}}}\n"
    path = write(home, FILE, text)
    result = run()
    assert result.exit_code == 1
    assert path.read_text() == text


def test_a_read_only_file_and_a_link_stay_as_they_are(home: Path) -> None:
    text = f"{HEAD}jobs: {{a: {{comand: [x]}}}}\n"
    path = write(home, FILE, text)
    path.chmod(0o444)
    result = run()
    assert (path.read_text(), result.exit_code) == (text, 1)
    assert "not fixed unknown-key: the file is read-only" in result.stdout
    path.rename(home / "configs/original.yaml")
    path.symlink_to("../../original.yaml")
    assert "the file is a link" in run().stdout
    assert path.is_symlink()


def test_the_mode_of_a_file_stays(home: Path) -> None:
    path = write(home, FILE, f"{HEAD}jobs: {{a: {{comand: [x]}}}}\n")
    path.chmod(0o640)
    assert run().exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o640
    assert [other.name for other in path.parent.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("text", ["a: {comand: [x]}", "a: {comand: 5}"])
def test_a_change_that_somebody_makes_meanwhile_is_not_lost(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """The editor saves before the first check ends, or while the change is checked."""
    path = write(home, FILE, f"{HEAD}jobs: {{{text}}}\n")
    if text.endswith("[x]}"):
        change = fix_module.propose_fix

        def save_then_propose(problem: Problem, *given: object) -> object:
            found = change(problem, *given)  # type: ignore[arg-type]
            path.write_text("mine")
            return found

        monkeypatch.setattr(fix_module, "propose_fix", save_then_propose)
    else:

        def save_then_check(*given: object) -> survey_module.Survey:
            found = survey_module.survey(*given)  # type: ignore[arg-type]
            path.write_text("mine")
            return found

        monkeypatch.setattr(fix_module, "survey", save_then_check)
    result = run()
    assert path.read_text() == "mine"
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_an_interruption_takes_back_what_was_not_checked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{HEAD}jobs: {{a: {{comand: [x]}}}}\n"
    path = write(home, FILE, text)

    def interrupted(*_: object) -> None:
        assert path.read_text() != text
        raise KeyboardInterrupt

    monkeypatch.setattr(fix_module, "survey", interrupted)
    assert run().exit_code == 130
    assert path.read_text() == text


PIECES = [
    ("comand: [x]", "command: [x]"),
    ('"comand": ["é", "{{ ds }}"]', '"command": ["é", "{{ ds }}"]'),
    ("resource_flavor: smal", "resource_flavor: small"),
    ("resource_flavor: 'smal'", "resource_flavor: 'small'"),
    ("trigger_rule: all_dome", "trigger_rule: all_done"),
    ("env: {comand: smal, 😀x: 1}", "env: {comand: smal, 😀x: 1}"),
    ("doc: 'comand smal # no comment'", "doc: 'comand smal # no comment'"),
    ("resource_flavor: nothing-like-it", "resource_flavor: nothing-like-it"),
]
COMMENTS = ["", "  # comand: smal", " # \u2028 é", "   "]


@pytest.mark.parametrize("seed", range(8))
def test_bytes_outside_of_the_fixed_values_stay(home: Path, seed: int) -> None:
    chance = random.Random(seed)
    end = chance.choice(["\n", "\r\n"])
    before, after = [chance.choice(["", "\ufeff"]) + "version: 1"], []
    before.append("defaults: {docker_image: image, resource_flavor: small}")
    before.append("jobs:")
    after += before
    for number in range(12):
        wrong, right = chance.choice(PIECES)
        comment = chance.choice(COMMENTS)
        if chance.random() < 0.5:
            before.append(f"  j{number}: {{ {wrong} }}{comment}")
            after.append(f"  j{number}: {{ {right} }}{comment}")
        else:
            before += [f"  j{number}:{comment}", f"      {wrong}{comment}"]
            after += [f"  j{number}:{comment}", f"      {right}{comment}"]
    path = write(home, FILE, end.join(before) + end)
    run()
    assert path.read_bytes() == (end.join(after) + end).encode()


def test_the_table_of_codes_names_exactly_the_codes_that_are_fixed() -> None:
    assert {code for code, entry in table.entries().items() if entry.automatic} == set(FIXES)


@pytest.mark.parametrize(
    ("word", "meant", "strict", "expected"),
    [
        ("cpu-smal", "cpu-small", True, True),
        ("cpu_small", "cpu-small", True, True),
        ("Cpu-Small", "cpu-small", True, True),
        ("cpu-samll", "cpu-small", True, True),
        ("gpu-small", "cpu-small", True, False),
        ("v1", "v2", False, False),
        ("job1", "job", True, False),
        ("resource_flaver", "resource_flavor", False, True),
        ("env", "end", False, True),
        ("memory", "retries", False, False),
    ],
)
def test_typos(word: str, meant: str, strict: bool, expected: bool) -> None:
    assert is_typo(word, meant, strict) is expected


@pytest.mark.parametrize("line", [1, 3, 99])
@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"a: smal\n", b"\xef\xbb\xbf"])
def test_a_file_that_does_not_fit_the_problem_is_not_changed(data: bytes, line: int) -> None:
    problem = Problem("a", line, 9, "unknown-flavor", "unknown flavor `smal`", "", "did you mean `small`?")
    assert propose_fix(problem, data, ()) is None


LIMITS = "version: 1\nflavors: {max: {cpu: 2}}\nlimits: {timeout: 2h}\n"
TOO_LARGE = "resource_flavor: cpu-large"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"a: {{comand: [x], {TOO_LARGE}}}", f"a: {{command: [x], {TOO_LARGE}}}"),
        (f"a: {{comand: [x]}}, b: {{{TOO_LARGE}}}", f"a: {{command: [x]}}, b: {{{TOO_LARGE}}}"),
        (
            f"'é': {{}}, a: {{comand: [x], retrys: 1}}, b: {{depends_on: [aa, a], {TOO_LARGE}}}",
            f"'é': {{}}, a: {{command: [x], retries: 1}}, b: {{depends_on: [aa, a], {TOO_LARGE}}}",
        ),
    ],
)
def test_a_fix_stays_if_an_older_problem_becomes_visible(home: Path, before: str, after: str) -> None:
    write(home, "platform/environments/dev.yaml", LIMITS)
    write(home, "platform/environments/prod.yaml", LIMITS)
    path = write(home, FILE, f"{HEAD}jobs: {{{before}}}\n")
    found = {one.code for one in survey_module.survey(home).problems}
    assert "over-ceiling" not in found
    result = run()
    assert (path.read_text(), result.exit_code) == (f"{HEAD}jobs: {{{after}}}\n", 1), result.output
    assert "Fixed" in result.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: {timout: 5h}", "a: {timout: 5h}"),  # the fix would exceed the limit
        ("a: {resource_flavor: cpu-larg}", "a: {resource_flavor: cpu-larg}"),
        (
            "a: {depends_on: [b]}, b: {depends_on: [aa]}, aaa: {}",
            "a: {depends_on: [b]}, b: {depends_on: [aa]}, aaa: {}",
        ),
        (  # one stays, the other one is taken back
            f"a: {{comand: [x], timout: 5h}}, b: {{{TOO_LARGE}}}",
            f"a: {{command: [x], timout: 5h}}, b: {{{TOO_LARGE}}}",
        ),
    ],
)
def test_a_fix_never_makes_a_new_problem(home: Path, before: str, after: str) -> None:
    write(home, "platform/environments/dev.yaml", LIMITS)
    write(home, "platform/environments/prod.yaml", LIMITS)
    path = write(home, FILE, f"{HEAD}jobs: {{{before}}}\n")
    result = run()
    assert (path.read_text(), result.exit_code) == (f"{HEAD}jobs: {{{after}}}\n", 1), result.output
