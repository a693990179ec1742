"""One mistake in a template, multiplied by many instances, gives the same problems on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from commits import GOOD, HEAD, codes_of, write

from dag_factory.config import open_project
from dag_factory.settings import BOUNDS

INSTANCES = "version: 1\ntemplate: odd@v1\ninstances:\n" + "".join(f"  i{number}: {{}}\n" for number in range(990))
NAMES = ", ".join(f"name_{number}: 1" for number in range(5_000))
WRONG = {
    "values": (
        "jobs: {a: {args: [" + ", ".join(f"'${{{{ \"${{{{ vars.nam_{n} }}}}\" }}}}'" for n in range(50)) + "]}}",
        "undefined-name",
    ),
    "jobs": ("jobs:\n" + "".join(f"  job-{n}: {{depends_on: [jb-{n}]}}\n" for n in range(100)), "unknown-job"),
    "keys": ("jobs:\n" + "".join(f"  job-{n}: {{depnds_on: [job-1]}}\n" for n in range(100)), "unknown-key"),
}


@pytest.mark.parametrize(("text", "code"), WRONG.values(), ids=WRONG)
def test_one_mistake_in_a_thousand_instances_is_reported_with_its_own_code(home: Path, text: str, code: str) -> None:
    write(home, "platform/environments/dev.yaml", f"version: 1\nvars: {{{NAMES}}}\n")
    write(home, "platform/templates/pipelines/odd/v1.yaml.j2", f"version: 1\n---\n{GOOD[11:]}{text}\n")
    write(home, "pipelines/team/bad.yaml", INSTANCES)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert {*codes_of(found, "v1.yaml.j2"), *codes_of(found, "bad.yaml")} == {code, "too-many-problems"}
    assert len(found.problems) <= BOUNDS.problems_per_file + 1


def test_the_template_text_that_all_instances_read_is_limited(home: Path) -> None:
    write(
        home,
        "platform/templates/pipelines/odd/v1.yaml.j2",
        f"version: 1\n---\n{GOOD[11:]}" + ("# " + "x" * 97 + "\n") * 9_000,
    )
    write(home, "pipelines/team/bad.yaml", INSTANCES)
    found = open_project(home, "dev").compile_all()
    codes = {*codes_of(found, "v1.yaml.j2"), *codes_of(found, "bad.yaml")}
    assert codes <= {"bad-expression", "too-many-values", "too-many-problems"} and codes
    assert open_project(home, "dev").compile_all().problems == found.problems


def test_the_number_of_run_time_templates_in_a_file_is_limited(home: Path) -> None:
    def jobs(template: str) -> str:
        lists = ([f"'{template.format(job * 40 + n)}'" for n in range(40)] for job in range(200))
        return HEAD + "".join(f"  j{job}: {{args: [{', '.join(texts)}]}}\n" for job, texts in enumerate(lists))

    write(home, "pipelines/team/bad.yaml", jobs("{{{{ ds ~ {} }}}}"))
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert {*codes_of(found, "bad.yaml")} == {"bad-template", "too-many-problems"}
    write(home, "pipelines/team/bad.yaml", jobs("{{{{ ds ~ 1 }}}}"))
    assert len(open_project(home, "dev").compile_all().pipelines) == 2


def test_the_number_of_checks_of_a_slow_pattern_is_limited(home: Path) -> None:
    template = "version: 1\ninputs: {x: {type: string, pattern: '^(?:(?=a)a+)+$'}}\n---\nargs: [a]\n"
    write(home, "platform/templates/jobs/odd/v1.yaml.j2", template)
    jobs = "".join(f"  j{number}: {{uses: odd@v1, with: {{x: aaa}}}}\n" for number in range(900))
    write(home, "pipelines/team/bad.yaml", HEAD + jobs)
    found = open_project(home, "dev").compile_all()
    assert [one.id for one in found.pipelines] == ["team.good"]
    assert {*codes_of(found, "bad.yaml")} == {"broken-template", "too-many-problems"}
    write(home, "platform/templates/jobs/odd/v1.yaml.j2", template.replace("a+", "a"))
    assert len(open_project(home, "dev").compile_all().pipelines) == 2
