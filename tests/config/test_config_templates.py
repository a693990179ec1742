"""Pipelines and jobs that use templates."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dag_factory.config import Compiled, budget, open_project
from dag_factory.config.problems import errors
from dag_factory.config.project.survey import survey
from dag_factory.settings import BOUNDS

FLAVORS = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}, large: {cpu: 8, memory: 9Gi}}\n"
PIPELINE = """\
    version: 1
    description: A region's load
    inputs:
      country: {type: string, pattern: "^[A-Z]{2}$", description: Two letters}
      steps: {type: array, items: {type: string}, default: [read, load]}
    ---
    description: Loads ${{ inputs.country }}
    defaults: {docker_image: "load:${{ vars.release }}", resource_flavor: small}
    jobs:
    ${% for step in inputs.steps %}
      ${{ step }}-it:
        env: {COUNTRY: ${{ inputs.country }}}
        args: ["${{ step }} of ${{ inputs.country }}", "{{ ds }}"]
    ${% endfor %}
"""
JOB = """\
    version: 1
    inputs:
      type: object
      properties: {model: {type: string}, rows: {type: integer, default: 10}}
      required: [model]
    ---
    resource_flavor: large
    command: [train, ${{ inputs.model }}, "${{ inputs.rows }}", "${{ job.name }}"]
"""


@pytest.fixture
def write(tmp_path: Path):
    def written(**files: str) -> Path:
        texts = {
            "platform/flavors.yaml": FLAVORS,
            "platform/environments/dev.yaml": "version: 1\nvars: {release: 1.2.0}\n",
            "platform/templates/pipelines/regional/v1.yaml.j2": PIPELINE,
            "platform/templates/jobs/train/v1.yaml.j2": JOB,
            **{f"pipelines/team/{name}.yaml": text for name, text in files.items() if "/" not in name},
            **{name: text for name, text in files.items() if "/" in name},
        }
        for name, text in texts.items():
            path = tmp_path / "configs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        return tmp_path

    return written


def compiled(home: Path) -> Compiled:
    return open_project(home, "dev").compile_all()


def reported(found: Compiled) -> list[str]:
    return [f"{problem.code} {Path(problem.file).name}:{problem.line}:{problem.column}" for problem in found.problems]


def test_a_template_is_merged_under_the_keys_of_the_file(write) -> None:
    home = write(
        flow="""
        version: 1
        template: regional@v1
        with: {country: DE}
        jobs: {load-it: {resource_flavor: large, env: {EXTRA: 1}}}
        """
    )
    (pipeline,) = compiled(home).pipelines
    assert (pipeline.id, pipeline.description) == ("team.flow", "Loads DE")
    read, load = pipeline.jobs
    assert (read.name, read.image, read.args) == ("read-it", "load:1.2.0", ("read of DE", "{{ ds }}"))
    assert load.flavor.name == "large"
    assert {variable.name: variable.value for variable in load.env} == {"COUNTRY": "DE", "EXTRA": "1"}


def test_instances_are_pipelines_and_a_worker_finds_each(write) -> None:
    home = write(
        regional="""
        version: 1
        template: regional@v1
        with: {steps: [read]}
        instances:
          de: {country: DE}
          fr: {country: FR, steps: [load]}
        """
    )
    assert [one.id for one in compiled(home).pipelines] == ["team.regional.de", "team.regional.fr"]
    (french,) = open_project(home, "dev").compile_one("team.regional.fr").pipelines
    assert [job.name for job in french.jobs] == ["load-it"]
    assert not open_project(home, "dev").compile_one("team.regional").pipelines


def test_an_instance_with_errors_affects_only_itself(write) -> None:
    home = write(
        regional="""
        version: 1
        template: regional@v1
        instances:
          de: {country: DE}
          it: {country: it}
        """
    )
    found = compiled(home)
    assert [one.id for one in found.pipelines] == ["team.regional.de"]
    assert reported(found) == ["bad-input regional.yaml:6:17"]


def test_an_instance_cannot_have_the_id_of_another_file(write) -> None:
    home = write(
        **{
            "regional": "version: 1\ntemplate: regional@v1\ninstances: {de: {country: DE}, fr: {country: FR}}\n",
            "pipelines/team/regional/de.yaml": "version: 1\ntemplate: regional@v1\nwith: {country: DE}\n",
        }
    )
    found = compiled(home)
    assert [one.id for one in found.pipelines] == ["team.regional.fr", "team.regional.de"]
    assert reported(found) == ["duplicate-id regional.yaml:3:13"]
    assert open_project(home, "dev").compile_one("team.regional.de").pipelines[0].file.endswith("regional/de.yaml")


def test_a_job_template_is_between_flavor_and_job(write) -> None:
    home = write(
        flow="""
        version: 1
        defaults: {docker_image: image, resource_flavor: small}
        jobs:
          fit: {uses: train@v1, with: {model: 1.10}}
          own: {uses: train@v1, with: {model: tree, rows: 5}, resource_flavor: small}
        """
    )
    fit, own = compiled(home).pipelines[0].jobs
    assert fit.command == ("train", "1.10", "10", "fit")
    assert (fit.flavor.name, own.flavor.name) == ("large", "small")


@pytest.mark.parametrize(
    ("job", "expected", "hint"),
    [
        ("{uses: train@v2, with: {model: x}}", "unknown-template flow.yaml:4:13", "train@v1"),
        ("{uses: trian@v1, with: {model: x}}", "unknown-template flow.yaml:4:13", "did you mean `train@v1`"),
        ("{uses: train@v1, with: {modl: x}}", "missing-input flow.yaml:4:7", "model"),
        ("{uses: train@v1, with: {model: x, rows: many}}", "bad-input flow.yaml:4:46", ""),
        ("{uses: train, with: {model: x}}", "bad-template-name flow.yaml:4:13", "name@v"),
        ("{with: {model: x}}", "missing-key flow.yaml:4:7", "uses"),
    ],
)
def test_an_invalid_call_is_reported_at_the_caller(write, job: str, expected: str, hint: str) -> None:
    found = compiled(
        write(flow=f"version: 1\ndefaults: {{docker_image: i, resource_flavor: small}}\njobs:\n  a: {job}\n")
    )
    assert expected in reported(found)
    assert any(hint in problem.hint for problem in found.problems)


def test_an_error_inside_a_template_names_caller_and_template(write) -> None:
    home = write(
        **{
            "flow": "version: 1\ntemplate: broken@v1\n",
            "platform/templates/pipelines/broken/v1.yaml.j2": """\
                version: 1
                ---
                defaults: {docker_image: i, resource_flavor: smal}
                jobs:
                  a: {retires: 3}
                """,
        }
    )
    found = compiled(home)
    assert set(reported(found)) == {"unknown-flavor flow.yaml:2:1", "unknown-key flow.yaml:2:1"}
    messages = " ".join(problem.message for problem in found.problems)
    assert "broken/v1.yaml.j2:3" in messages and "broken/v1.yaml.j2:5" in messages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\n", "bad-template-file v1.yaml.j2:1:1"),
        ("version: 1\n---\na: ${{ 1 + }}\n", "bad-expression v1.yaml.j2:3:1"),
        ("version: 1\ninputs: {a: {type: strin}}\n---\n", "bad-template-file v1.yaml.j2:2:10"),
        ("version: 1\nnputs: {}\n---\n", "unknown-key v1.yaml.j2:2:1"),
    ],
)
def test_errors_of_an_unused_template_are_reported(write, text: str, expected: str) -> None:
    home = write(**{"platform/templates/jobs/odd/v1.yaml.j2": text})
    (problem,) = errors(survey(home).problems)
    assert f"{problem.code} {Path(problem.file).name}:{problem.line}:{problem.column}" == expected


@pytest.mark.parametrize(
    "text",
    [
        "${% for a in range(99999) %}${% for b in range(99999) %}x${% endfor %}${% endfor %}",
        "${% set x = 'x' %}" + "${% set x = x ~ x %}" * 40 + "a: ${{ x }}",
        "${% include '/etc/passwd' %}",
        "a: ${{ ''.__class__.__mro__ }}",
        "a: ${{ lipsum.__globals__ }}",
        "jobs:\n${% for i in range(50000) %}\n  j${{ i }}: {args: ['" + "x" * 60 + "']}\n${% endfor %}",
    ],
)
def test_a_hostile_template_is_a_problem(write, text: str) -> None:
    home = write(
        **{
            "flow": "version: 1\ntemplate: odd@v1\n",
            "platform/templates/pipelines/odd/v1.yaml.j2": f"version: 1\n---\n{text}\n",
        }
    )
    found = compiled(home)
    assert not found.pipelines and found.problems


def test_the_steps_of_a_template_count_for_its_file(write) -> None:
    """A process that has compiled many files still has all steps for the next file."""
    home = write(flow="version: 1\ndefaults: {docker_image: i}\njobs: {a: {uses: train@v1, with: {model: m}}}\n")
    assert not open_project(home).compile_all().problems
    budget.spend_steps(BOUNDS.expression_steps + 1)
    assert not open_project(home).compile_all().problems
