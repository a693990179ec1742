"""Teams: the defaults and limits of the pipelines in a folder."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, PIPELINE, Project

from dag_factory.config import open_project

GROWTH = """\
version: 1
teams:
  growth:
    namespace: ml-growth
    service_account: growth
    flavors: ["sm*", large]
    images: ["acme/*"]
    max: {cpu: 4}
    require: [owner, alerts]
    defaults:
      pipeline: {owner: growth-ml, tags: [growth]}
      job: {labels: {cost-centre: "4711"}, alerts: {on_failure: [oncall]}}
"""
ALERTS = "version: 1\nchannels: {oncall: {webhook: {connection: c}}}\n"
PROJECT = Project({**MINIMAL.files, "teams": GROWTH, "alerts": ALERTS, "pipelines/growth/flow": PIPELINE})
PLACE = "see configs/platform/teams.yaml"


def test_settings_of_a_team() -> None:
    pipelines = PROJECT.pipelines()
    growth, other = pipelines["growth.flow"], pipelines["team.flow"]
    assert growth.cluster.namespace == "ml-growth"
    assert growth.owner == ("growth-ml",)
    assert growth.tags == ("growth",)
    assert growth.jobs[0].service_account == "growth"
    assert growth.jobs[0].labels == {"cost-centre": "4711"}
    assert growth.jobs[0].alerts.on_failure == ("oncall",)
    assert (other.cluster.namespace, other.owner, other.jobs[0].service_account) == (None, (), None)


def test_team_defaults_override_the_environment_but_not_the_pipeline() -> None:
    dev = "version: 1\ncluster: {namespace: dev, in_cluster: true}\n"
    dev += "defaults: {job: {env: {A: env, B: env, C: env}, priority_class: p}}\n"
    teams = "version: 1\nteams: {growth: {defaults: {job: {env: {B: team, C: team}, priority_class: null}}}}\n"
    flow = PIPELINE + "jobs: {a: {}}\n"
    flow = flow.replace("small}", "small, env: {C: pipeline}}")
    project = PROJECT.with_files(environments__dev=dev, teams=teams, pipelines__growth__flow=flow)
    growth = project.pipelines()["growth.flow"]
    assert {one.name: one.value for one in growth.jobs[0].env} == {"A": "env", "B": "team", "C": "pipeline"}
    assert growth.jobs[0].priority_class is None
    assert (growth.cluster.namespace, growth.cluster.in_cluster) == ("dev", True)


def test_job_may_use_another_service_account() -> None:
    flow = PIPELINE + "jobs: {a: {service_account: churn}}\n"
    assert (
        PROJECT.with_files(pipelines__growth__flow=flow).pipelines()["growth.flow"].jobs[0].service_account == "churn"
    )


def test_expressions_of_a_team_can_use_the_pipeline() -> None:
    teams = """\
version: 1
teams:
  growth: {namespace: "ml-${{ pipeline.team }}-${{ environment }}", service_account: "${{ pipeline.id | dns }}"}
"""
    growth = PROJECT.with_files(teams=teams).pipelines()["growth.flow"]
    assert growth.cluster.namespace == "ml-growth-dev"
    assert growth.jobs[0].service_account == "growth-flow"
    wrong = PROJECT.with_files(teams="version: 1\nteams:\n  growth: {namespace: '${{ pipeline.id }}'}\n")
    assert wrong.problems() == ["bad-name teams.yaml:3:23 teams.growth.namespace"]
    assert list(wrong.pipelines()) == ["team.flow"]


@pytest.mark.parametrize(
    ("flow", "problem", "message", "hint"),
    [
        (
            PIPELINE.replace("small", "card"),
            "flavor-not-allowed flow.yaml:2:59 defaults.resource_flavor",
            "the team `growth` may not use the flavor `card`",
            f"use one of: sm*, large; {PLACE}:6",
        ),
        (
            PIPELINE.replace("acme/image", "ghcr.io/acme/image"),
            "image-not-allowed flow.yaml:2:26 defaults.docker_image",
            "the team `growth` does not allow the image `ghcr.io/acme/image:1`",
            f"use an image that matches acme/*; {PLACE}:7",
        ),
        (
            PIPELINE.replace("small", "large"),
            "over-ceiling flow.yaml:2:59 defaults.resource_flavor",
            "the flavor `large` exceeds the maximum of the team `growth`: cpu 8 (at most 4)",
            "use the flavor `small`; the maximum is set in configs/platform/teams.yaml:8",
        ),
        (
            PIPELINE + "owner: null\n",
            "required-key flow.yaml:1:1",
            "`owner` is missing; the team `growth` requires it",
            f"add `owner:` to the pipeline; {PLACE}:9",
        ),
        (
            PIPELINE + "jobs: {a: {}, b: {alerts: null}}\n",
            "required-key flow.yaml:1:1",
            "`alerts` is missing; the team `growth` requires it",
            f"add `alerts:` to the pipeline or to each of its jobs; {PLACE}:9",
        ),
    ],
)
def test_breach_names_the_rule_and_its_position(flow: str, problem: str, message: str, hint: str) -> None:
    found = PROJECT.with_files(pipelines__growth__flow=flow)
    assert found.problems() == [problem]
    assert found.messages() == f"{message} -- {hint}"
    assert list(found.pipelines()) == ["team.flow"]


def test_pipeline_may_set_a_required_key() -> None:
    flow = PIPELINE + "alerts: {on_failure: [oncall]}\njobs: {a: {alerts: null}}\n"
    assert "growth.flow" in PROJECT.with_files(pipelines__growth__flow=flow).pipelines()
    empty = PIPELINE + "alerts: {}\njobs: {a: {alerts: {on_failure: null}}}\n"
    assert PROJECT.with_files(pipelines__growth__flow=empty).problems() == ["required-key flow.yaml:1:1"]


def test_strictest_limit_applies() -> None:
    large = PIPELINE.replace("small", "large")
    teams = "version: 1\nteams: {growth: {max: {cpu: 4, memory: 64Gi}}}\n"
    dev = "version: 1\nflavors: {max: {cpu: 6, memory: 16Gi}}\n"
    found = PROJECT.with_files(teams=teams, environments__dev=dev, pipelines__growth__flow=large)
    assert found.messages().splitlines() == [
        "the flavor `large` exceeds the maximum of the environment `dev`: memory 32Gi (at most 16Gi)"
        " -- use the flavor `small`; the maximum is set in configs/platform/environments/dev.yaml:2",
        "the flavor `large` exceeds the maximum of the team `growth`: cpu 8 (at most 4)"
        " -- use the flavor `small`; the maximum is set in configs/platform/teams.yaml:2",
    ]


NESTED = """\
version: 1
teams:
  growth:
    {namespace: outer, service_account: outer, flavors: ["*"], images: ["acme/*"], max: {cpu: 8}, require: [owner]}
  growth/ads:
    service_account: inner
    flavors: [small]
    images: ["*:1"]
    max: {memory: 1Gi}
    require: [doc]
    defaults: {job: {env: {A: ads}}}
"""


def test_nested_folder_has_the_limits_of_both() -> None:
    flow = PIPELINE + "owner: me\ndoc: text\n"
    nested = PROJECT.with_files(teams=NESTED, pipelines__growth__ads__flow=flow, pipelines__growth__flow=flow)
    inner, outer = nested.pipelines()["growth.ads.flow"], nested.pipelines()["growth.flow"]
    assert (inner.team, inner.cluster.namespace, inner.jobs[0].service_account) == ("growth", "outer", "inner")
    assert [one.value for one in inner.jobs[0].env] == ["ads"]
    assert outer.jobs[0].service_account == "outer"
    wrong = PIPELINE.replace("small", "large").replace("acme/image:1", "other/image:2")
    assert nested.with_files(pipelines__growth__ads__flow=wrong).problems() == [
        "required-key flow.yaml:1:1",
        "required-key flow.yaml:1:1",
        "image-not-allowed flow.yaml:2:26 defaults.docker_image",
        "image-not-allowed flow.yaml:2:26 defaults.docker_image",
        "flavor-not-allowed flow.yaml:2:60 defaults.resource_flavor",
        "over-ceiling flow.yaml:2:60 defaults.resource_flavor",
    ]


def test_instance_belongs_to_the_folder_of_its_file() -> None:
    template = "version: 1\ninputs: {n: {type: string}}\n---\ndescription: ${{ inputs.n }}\n"
    flow = PIPELINE + "template: t@v1\ninstances: {one: {n: a}, two: {n: b}}\n"
    project = Project({**PROJECT.files, "templates/pipelines/t/v1.yaml.j2": template, "pipelines/growth/flow": flow})
    found = project.pipelines()
    assert {found[name].cluster.namespace for name in ("growth.flow.one", "growth.flow.two")} == {"ml-growth"}


def test_pipeline_without_a_folder_has_no_team() -> None:
    assert "flow" in PROJECT.with_files(pipelines__flow=PIPELINE).pipelines()
    assert PROJECT.with_files(pipelines__flow=PIPELINE).pipelines()["flow"].cluster.namespace is None


def test_broken_team_affects_only_its_folder() -> None:
    broken = PROJECT.with_files(teams=GROWTH.replace("max: {cpu: 4}", "max: {cpus: 4}") + "  team: {require: [doc]}\n")
    assert broken.problems() == [
        "broken-team flow.yaml",
        "required-key flow.yaml:1:1",
        "unknown-key teams.yaml:8:11 teams.growth.max.cpus",
    ]
    assert not broken.pipelines()
    assert list(broken.with_files(pipelines__team__flow=PIPELINE + "doc: text\n").pipelines()) == ["team.flow"]


@pytest.mark.parametrize("table", ["version: 1\nteams: [\n", "version: 2\n", "- a\n", "version: 1\nteams: []\n"])
def test_unreadable_table_stops_all_pipelines(table: str) -> None:
    """Its `default` could apply to any file, even one directly in `pipelines/`."""
    broken = PROJECT.with_files(teams=table, pipelines__flow=PIPELINE)
    assert [one for one in broken.problems() if "flow" in one] == ["broken-table flow.yaml"] * 3
    assert not broken.pipelines()


DEFAULT = """\
version: 1
teams:
  growth: {namespace: ml-growth}
default:
  namespace: ml-others
  flavors: [large]
  defaults: {job: {labels: {team: none}}}
"""


def test_default_team_has_the_other_folders() -> None:
    large = PIPELINE.replace("small", "large")
    files = {f"pipelines/{name}": large for name in ("flow", "team/flow", "other/deep/flow", "growth/ads/flow")}
    found = Project({**PROJECT.files, "teams": DEFAULT, "pipelines/growth/flow": PIPELINE, **files}).pipelines()
    namespaces = {name: pipeline.cluster.namespace for name, pipeline in found.items()}
    assert namespaces == {
        "flow": "ml-others",
        "team.flow": "ml-others",
        "other.deep.flow": "ml-others",
        "growth.flow": "ml-growth",
        "growth.ads.flow": "ml-growth",
    }
    assert found["flow"].jobs[0].labels == {"team": "none"}


def test_limit_of_the_default_team_names_its_position() -> None:
    found = PROJECT.with_files(teams=DEFAULT, pipelines__growth__flow=PIPELINE, pipelines__flow=PIPELINE)
    assert found.problems() == [
        "flavor-not-allowed flow.yaml:2:59 defaults.resource_flavor",
        "flavor-not-allowed flow.yaml:2:59 defaults.resource_flavor",
    ]
    messages = "the default team may not use the flavor `small` -- use one of: large"
    assert found.messages() == "\n".join([f"{messages}; {PLACE}:6"] * 2)
    assert list(found.pipelines()) == ["growth.flow"]


def test_deny_rejects_folders_without_a_team() -> None:
    teams = "version: 1\nteams: {growth: {}}\ndefault: deny\n"
    found = PROJECT.with_files(teams=teams, pipelines__flow=PIPELINE)
    place = "`default: deny` is set in configs/platform/teams.yaml:3"
    assert found.messages().splitlines() == [
        f"no team owns files directly in `pipelines/` -- move the file into the folder of a team; {place}",
        f"no team owns the folder `team` -- add the folder `team` under `teams`; {place}",
    ]
    assert found.problems() == ["no-team flow.yaml", "no-team flow.yaml"]
    assert list(found.pipelines()) == ["growth.flow"]


def test_broken_default_team_affects_only_its_folders() -> None:
    found = PROJECT.with_files(teams="version: 1\nteams: {growth: {}}\ndefault: {max: {cpus: 1}}\n")
    assert found.problems() == ["broken-team flow.yaml", "unknown-key teams.yaml:3:17 default.max.cpus"]
    assert list(found.pipelines()) == ["growth.flow"]
    wrong = PROJECT.with_files(teams="version: 1\nteams: {growth: {}}\ndefault: allow\n")
    assert wrong.problems()[0] == "broken-team flow.yaml"
    assert list(wrong.pipelines()) == ["growth.flow"]


def test_namespaces_include_the_default_team() -> None:
    with PROJECT.with_files(teams=DEFAULT).on_disk() as home:
        assert open_project(home).tables.namespaces == ("ml-growth", "ml-others")


@pytest.mark.parametrize(
    ("team", "warning"),
    [
        ("growht: {}", "unused-team teams.yaml:3:3 teams.growht"),
        ("growth/adds: {}", "unused-team teams.yaml:3:3 teams.growth/adds"),
        ("growth: {flavors: [smal]}", "unknown-flavor teams.yaml:3:22 teams.growth.flavors[0]"),
        ('growth: {flavors: [small, "x*"]}', "unknown-flavor teams.yaml:3:29 teams.growth.flavors[1]"),
    ],
)
def test_warnings_about_unknown_flavors_and_folders(team: str, warning: str) -> None:
    found = PROJECT.with_files(teams=f"version: 1\nteams:\n  {team}\n").compile()
    warnings = [one for one in found.problems if one.severity == "warning"]
    assert [f"{one.code} teams.yaml:{one.line}:{one.column} {one.path}" for one in warnings] == [warning]
    assert all(one.hint for one in found.problems)


def test_namespaces_for_the_local_cluster() -> None:
    teams = NESTED + "  team: {namespace: '${{ environment }}'}\n  other: {namespace: other}\n"
    dev = "version: 1\ncluster: {namespace: dev}\n"
    with PROJECT.with_files(teams=teams, environments__dev=dev).on_disk() as home:
        assert open_project(home).tables.namespaces == ("dev", "other", "outer")


@pytest.mark.parametrize(
    ("rename", "messages"),
    [
        ("teams.yml", "bad-name teams.yml"),
        ("Teams.yaml", "bad-name Teams.yaml"),
        ("TEAMS.YAML", "bad-name TEAMS.YAML"),
        ("teams.yaml/growth.yaml", "not-a-file teams.yaml"),
    ],
)
def test_misspelled_table_name_is_an_error(rename: str, messages: str) -> None:
    """Otherwise its limits would silently disappear."""
    with PROJECT.on_disk() as home:
        table = home / "configs/platform/teams.yaml"
        text = table.read_text()
        table.unlink()
        moved = home / "configs/platform" / rename
        moved.parent.mkdir(exist_ok=True)
        moved.write_text(text)
        found = open_project(home, "dev").compile_all()
    assert [f"{one.code} {one.file.removeprefix('configs/platform/')}" for one in found.problems] == [
        "broken-table configs/pipelines/growth/flow.yaml",
        "broken-table configs/pipelines/team/flow.yaml",
        messages,
    ]
    assert found.pipelines == ()


def test_unknown_file_beside_the_tables_is_reported() -> None:
    found = PROJECT.with_files(team="version: 1\n").compile()
    (problem,) = found.problems
    assert (problem.code, problem.severity, problem.file) == ("unknown-file", "warning", "configs/platform/team.yaml")
    assert problem.hint == "did you mean `teams.yaml`?"
    assert len(found.pipelines) == 2


def test_service_accounts_for_the_local_cluster() -> None:
    teams = GROWTH + '  other: {service_account: "${{ pipeline.id | dns }}"}\n'
    with PROJECT.with_files(teams=teams).on_disk() as home:
        assert open_project(home).tables.service_accounts == ("growth",)
