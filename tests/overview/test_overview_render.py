"""``dagf render``: which pods it prints, in which environment, and its errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from project_files import write

from dag_factory.cli.main import main

FLAVORS = "version: 1\nflavors:\n  small: {cpu: 1, memory: 1Gi}\n  large: {cpu: 4, memory: 8Gi}\n"
PIPELINE = """\
version: 1
schedule: "0 3 * * *"
defaults: {docker_image: image, resource_flavor: small}
groups: {load: {for_each: {param: countries}}}
params: {countries: {type: array, default: [DE]}}
jobs:
  extract: {labels: {run: "{{ run_id }}"}}
  train: {matrix: {size: [1, 2]}, depends_on: [extract], retries: 2, timeout: 10m}
  copy: {group: load, depends_on: [extract], when: "{{ params.countries }}"}
environments:
  prod: {schedule: null, jobs: {extract: {resource_flavor: large}, only-here: {command: [a]}}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path, "platform/flavors.yaml", FLAVORS)
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\ncluster: {namespace: ml-dev}\n")
    write(tmp_path, "platform/environments/prod.yaml", "version: 1\n")
    write(tmp_path, "pipelines/team/a.yaml", PIPELINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dagf(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["render", *arguments])


def pods(*arguments: str) -> dict[str, Any]:
    result = dagf(*arguments)
    assert result.exit_code == 0, result.output
    documents = [one for one in yaml.safe_load_all(result.stdout) if one]
    return {one["metadata"]["labels"]["task_id"]: one for one in documents}


@pytest.mark.usefixtures("home")
def test_all_pods_and_the_dag() -> None:
    found = pods("team.a")
    assert list(found) == ["extract", "train-1", "train-2", "copy"]
    assert found["copy"]["metadata"]["namespace"] == "ml-dev"
    text = dagf("team.a").stdout
    assert (
        '# DAG team.a, environment dev, from configs/pipelines/team/a.yaml\n#   schedule: "0 3 * * *" (UTC)\n' in text
    )
    assert "#   train-2 <- extract (retries 2; timeout 10m)\n" in text
    assert "#   load.items (makes a list, without a pod)\n" in text
    copy = "#   copy <- extract, load.items (one for each item of a list; group load; when {{ params.countries }})\n"
    assert copy in text


@pytest.mark.usefixtures("home")
def test_one_job_and_a_matrix() -> None:
    assert list(pods("team.a", "train-2")) == ["train-2"]
    assert list(pods("team.a", "train")) == ["train-1", "train-2"]
    assert "# DAG" not in dagf("team.a", "train").stdout


@pytest.mark.usefixtures("home")
def test_the_environment() -> None:
    sizes = {
        name: pods("team.a", "extract", "--env", name)["extract"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
        for name in ("dev", "prod")
    }
    assert sizes == {"dev": "1", "prod": "4"}
    assert "schedule: by hand" in dagf("team.a", "--env", "prod").stdout
    assert dagf("team.a").stderr.endswith("Environment dev. For another one, use --env: prod.\n")
    assert list(pods("team.a", "only-here")) == ["only-here"]  # the first environment with the job


@pytest.mark.usefixtures("home")
def test_json() -> None:
    found = json.loads(dagf("team.a", "--json").stdout)
    assert found["version"] == 1
    assert list(found["pods"]) == ["extract", "train-1", "train-2", "copy"]
    assert found["dag"]["schedule"] == "0 3 * * *"
    assert found["dag"]["tasks"][2] | {"id": "train-1", "upstream": ["extract"]} == found["dag"]["tasks"][2]


@pytest.mark.usefixtures("home")
def test_a_label_with_a_template_is_reported() -> None:
    note = "note: metadata.labels.run of `extract` is a template; a cluster rejects it until Airflow has rendered it"
    assert note in dagf("team.a", "extract").stderr
    assert "note:" not in dagf("team.a", "train").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["team.b"], "unknown pipeline `team.b`; did you mean `team.a`?"),
        (["team.a", "extrct"], "`team.a` has no job `extrct` in dev; did you mean `extract`?"),
        (["team.a", "trai"], "did you mean `train`"),
        (["team.a", "--env", "prd"], "unknown environment `prd` (did you mean `prod`?)"),
    ],
)
@pytest.mark.usefixtures("home")
def test_unknown_names(arguments: list[str], message: str) -> None:
    result = dagf(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_pipeline_with_errors(home: Path) -> None:
    write(home, "pipelines/team/a.yaml", PIPELINE.replace("resource_flavor: small", "resource_flavor: smal"))
    result = dagf("team.a", "--env", "dev")
    assert result.exit_code == 1
    assert "unknown flavor `smal`" in result.stdout
    assert result.stderr == "team.a has errors in dev, so it has no pods.\n"


def test_text_of_a_file_cannot_leave_a_comment_or_control_the_terminal(home: Path) -> None:
    hostile = '"{{ 1 }}\\n---\\nkind: Secret\\x1b[2J\\u202e"'
    write(home, "pipelines/team/a.yaml", PIPELINE.replace('when: "{{ params.countries }}"', f"env: {{A: {hostile}}}"))
    result = dagf("team.a", "--env", "dev")
    assert result.exit_code == 0
    assert not {"\x1b", "\u202e"} & set(result.stdout)
    assert {one["kind"] for one in yaml.safe_load_all(result.stdout) if one} == {"Pod"}
