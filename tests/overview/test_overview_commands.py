"""``dagf graph`` and ``dagf flavors``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from project_files import write

from dag_factory.cli.main import main
from dag_factory.config import model
from dag_factory.overview import draw
from dag_factory.overview.graph import Graph, Group, Node, make_graph

FLAVORS = """\
version: 1
pools: {gpu: 4}
flavors:
  small: {cpu: 1, memory: 1Gi, cost_per_hour: 0.05, next: large}
  large: {cpu: 4, memory: 8Gi, requests: {cpu: 2}, pool: gpu, node_selector: {disk: ssd}}
"""
PIPELINE = """\
version: 1
defaults:
  docker_image: image
  resource_flavor: small
  retries: {retries: 1, on: [{reason: OOMKilled, then: next_flavor}]}
groups: {load: {for_each: {list: [DE, FR]}}}
jobs:
  create: {}
  train: {matrix: {size: [1, 2, 3]}, depends_on: [create], resource_flavor: large, retries: 0}
  best: {depends_on: [train], trigger_rule: all_done, when: "{{ params.best }}"}
  copy: {group: load, depends_on: [best]}
  remove: {teardown: {of: create}, depends_on: [best]}
params: {best: {type: boolean, default: true}}
"""
LINE = re.compile(
    r"""flowchart\ LR
    | \s+n\d+(?:\["|\[\["|\(\["|\{\{")(?:[A-Za-z0-9 _\-.,=()]|\#\d+;|<br/>)+(?:"\]|"\]\]|"\]\)|"\}\})
    | \s+n\d+\ (?:-->|-\.->)\ n\d+
    | \s+subgraph\ g\d+\["(?:[A-Za-z0-9 _\-.,=()]|\#\d+;|<br/>)+"\]
    | \s+end""",
    re.VERBOSE,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path, "platform/flavors.yaml", FLAVORS)
    write(
        tmp_path, "platform/environments/dev.yaml", "version: 1\nflavors: {max: {cpu: 8}, define: {tiny: {cpu: 1}}}\n"
    )
    write(tmp_path, "platform/environments/prod.yaml", "version: 1\nflavors: {replace: {small: large}}\n")
    write(tmp_path, "pipelines/team/a.yaml", PIPELINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.usefixtures("home")
def test_the_graph_has_steps_and_what_is_special_about_each_job() -> None:
    result = run("graph", "team.a", "--env", "prod")
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "team.a in prod: 7 jobs in 4 steps\n"
        "\n"
        "Step 1\n"
        "  create     setup\n"
        "\n"
        "Step 2\n"
        "  train      after create; matrix of 3 jobs\n"
        "\n"
        "Step 3\n"
        "  best       after train; trigger rule all_done; when {{ params.best }}\n"
        "\n"
        "Step 4\n"
        "  load.copy  after best\n"
        "  remove     after best; teardown of create\n"
        "\n"
        "Groups\n"
        "  load  for each of 2 items\n"
    )
    assert result.stderr == ""


@pytest.mark.usefixtures("home")
def test_the_mermaid_graph_has_the_same_jobs() -> None:
    result = run("graph", "team.a", "--format", "mermaid")
    lines = result.stdout.splitlines()
    assert all(LINE.fullmatch(line) for line in lines), result.stdout
    assert lines[1:] == [
        '  n0{{"create<br/>setup"}}',
        '  n1[["train<br/>matrix of 3 jobs"]]',
        '  n2["best<br/>trigger rule all_done<br/>when #123;#123; params.best #125;#125;"]',
        '  n4(["remove<br/>teardown of create"])',
        '  subgraph g0["load<br/>for each of 2 items"]',
        '    n3["copy"]',
        "  end",
        "  n0 --> n1",
        "  n1 --> n2",
        "  n2 --> n3",
        "  n2 --> n4",
        "  n0 -.-> n4",
    ]
    assert result.stderr == "Environment dev. For another one, use --env: prod.\n"


@pytest.mark.parametrize(
    "name",
    [
        '"]; click n0 call alert()',
        "end",
        "<script>x</script>",
        "a<br/>b",
        "%%{init: {}}%%",
        "`*md*`",
        "#quot;",
        "\x1b[2J\n",
    ],
)
def test_hostile_text_stays_inside_its_label(name: str) -> None:
    node = Node(name, 1, False, name, name, (name,), (), False, "", name)
    graph = Graph("a.b", "dev", 1, (Group(name, name),), ((node,),))
    assert all(LINE.fullmatch(line) for line in draw.mermaid(graph).splitlines())
    assert all(char.isprintable() or char == "\n" for char in draw.text(graph))
    assert len(draw.text(graph).splitlines()) == 7


def test_a_large_graph_is_not_cut() -> None:
    flavor = model.Flavor(name="small")
    names = [f"job-{number}" for number in range(500)]
    jobs = tuple(model.Job(name=name, flavor=flavor, image="i") for name in names)
    last = model.Job(name="last", flavor=flavor, image="i", depends_on=tuple(names))
    pipeline = model.Pipeline(
        id="a.b",  # type: ignore[arg-type]
        team="a",
        name="b",
        file="f",
        environment="dev",
        cluster=model.Cluster(),
        jobs=(*jobs, last),
        start_date="2026-01-01",
    )
    assert ", ".join(sorted(names)) in draw.text(make_graph(pipeline))


@pytest.mark.usefixtures("home")
def test_an_unknown_pipeline_and_an_unknown_environment_are_exit_code_2() -> None:
    result = run("graph", "team.b")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: unknown pipeline `team.b`; did you mean `team.a`?\n"
    assert "did you mean `prod`?" in run("graph", "team.a", "--env", "prdo").stderr
    assert run("graph").exit_code == 2


def test_a_pipeline_with_errors_has_no_graph(home: Path) -> None:
    write(home, "pipelines/team/a.yaml", PIPELINE.replace("best: {", "best: {comand: [x], "))
    result = run("graph", "team.a")
    assert result.exit_code == 1
    assert "unknown-key: unknown key `comand`" in result.stdout
    write(home, "pipelines/team/a.yaml", "version: [")
    assert run("graph", "team.a").exit_code == 1


def test_a_project_without_pipelines(home: Path) -> None:
    (home / "configs/pipelines/team/a.yaml").unlink()
    result = run("graph", "team.a")
    assert (result.exit_code, "the project has no pipelines" in result.stderr) == (2, True)
    assert run("flavors").exit_code == 0


@pytest.mark.usefixtures("home")
def test_flavors_lists_sizes_prices_and_the_number_of_jobs() -> None:
    result = run("flavors")
    assert result.exit_code == 0
    assert result.stdout == (
        "dev\n"
        "\n"
        "FLAVOR  CPU   MEMORY  OTHER  POOL  PRICE/H  NEXT   NODES     JOBS\n"
        "small   1     1Gi     -      -     0.05     large  -         4\n"
        "large   2..4  8Gi     -      gpu   -        -      disk=ssd  3\n"
        "tiny    1     -       -      -     -        -      -         0\n"
        "\n"
        "Pools: gpu (4 slots)\n"
        "\n"
        "Maximum of one pod:\n"
        "  cpu 8, set by the environment `dev` (configs/platform/environments/dev.yaml:2)\n"
        "\n"
        "prod\n"
        "\n"
        "FLAVOR  CPU   MEMORY  OTHER  POOL  PRICE/H  NEXT   NODES     JOBS\n"
        "small   1     1Gi     -      -     0.05     large  -         0\n"
        "large   2..4  8Gi     -      gpu   -        -      disk=ssd  7\n"
        "\n"
        "Pools: gpu (4 slots)\n"
        "\n"
        "Replaced: small by large\n"
    )


@pytest.mark.usefixtures("home")
def test_the_limits_of_teams_are_listed(home: Path) -> None:
    teams = (
        "version: 1\nteams:\n"
        "  team: {max: {memory: 8Gi}}\n"
        "  team/small:\n    flavors: [small, tiny]\n    max: {memory: 2Gi}\n"
        "  free: {namespace: x}\n"
        "default: {max: {cpu: 1}}\n"
    )
    write(home, "platform/teams.yaml", teams)
    text = run("flavors", "--env", "dev").stdout
    table = "(configs/platform/teams.yaml:"
    assert f"Team team, maximum of one pod:\n  memory 8Gi, set by the team `team` {table}3)\n\n" in text
    assert f"memory 2Gi, set by the team `team/small` {table}6)\n  only flavors that match small, tiny\n" in text
    assert f"Default team, maximum of one pod:\n  cpu 1, set by the default team {table}8)\n" in text
    assert "Team free" not in text
    (dev,) = json.loads(run("flavors", "--json", "--env", "dev").stdout)["environments"]
    assert [one["team"] for one in dev["teams"]] == ["team", "team/small", ""]
    assert dev["teams"][1]["maximum"]["memory"]["most"] == "2Gi"


@pytest.mark.usefixtures("home")
def test_environments_with_equal_flavors_share_a_table(home: Path) -> None:
    write(home, "platform/environments/prod.yaml", "version: 1\n")
    write(home, "platform/environments/dev.yaml", "version: 1\n")
    assert run("flavors").stdout.startswith("dev, prod\n\nFLAVOR")


@pytest.mark.usefixtures("home")
def test_one_flavor_lists_its_jobs() -> None:
    result = run("flavors", "large", "--env", "dev")
    assert result.stdout.splitlines() == [
        "large in dev",
        "",
        "  defined in      configs/platform/flavors.yaml:5:10",
        "  cpu             2..4",
        "  memory          8Gi",
        "  pool            gpu",
        '  node_selector   {"disk": "ssd"}',
        "  used by 3 jobs in 1 pipeline:",
        "    team.a: train-1, train-2, train-3",
        "  larger flavor after out-of-memory for 4 jobs in 1 pipeline:",
        "    team.a: best, copy, create, remove",
    ]
    replaced = run("flavors", "small", "--env", "prod").stdout
    assert "Replaced by large: jobs that name small get large." in replaced
    assert "This environment does not have the flavor." in run("flavors", "tiny").stdout


@pytest.mark.usefixtures("home")
def test_flavors_as_json() -> None:
    dev, prod = json.loads(run("flavors", "--json").stdout)["environments"]
    assert [flavor["name"] for flavor in dev["flavors"]] == ["small", "large", "tiny"]
    assert dev["flavors"][1]["used_by"][0] == {"dag_id": "team.a", "job": "best", "larger": True}
    assert dev["maximum"]["cpu"]["most"] == "8"
    assert prod["replaced"] == {"small": "large"}
    (one,) = json.loads(run("flavors", "tiny", "--json", "--env", "dev").stdout)["environments"]
    assert [flavor["name"] for flavor in one["flavors"]] == ["tiny"]


@pytest.mark.usefixtures("home")
def test_an_unknown_flavor_is_exit_code_2() -> None:
    result = run("flavors", "smal")
    assert (result.exit_code, result.stderr) == (2, "Error: unknown flavor `smal`; did you mean `small`?\n")


def test_pipelines_with_errors_are_counted(home: Path) -> None:
    write(home, "pipelines/team/b.yaml", PIPELINE.replace("best: {", "best: {comand: [x], "))
    assert "Not counted: the jobs of 1 pipeline with errors. Run `dagf check`." in run("flavors").stdout
    write(home, "platform/environments/prod.yaml", "version: [")
    result = run("flavors")
    assert (result.exit_code, "The tables of prod have errors." in result.stderr) == (1, True)
