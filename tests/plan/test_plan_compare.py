"""Which DAGs and problems differ between two revisions."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_project import FLAVORS, PIPELINE, new_project
from test_plan_revisions import CHANGED, ORDERS, a_pipeline, changes, unlike

from dag_factory.config.project.open_project import ProjectError
from dag_factory.plan.comparison import compare as comparing
from dag_factory.plan.make_plan import make_plan, plan_environments
from dag_factory.plan.model import ABSENT, Plan

PROD, DEV = (f"configs/platform/environments/{name}.yaml" for name in ("prod", "dev"))
TEMPLATE = "configs/platform/templates/pipelines/family/v1.yaml.j2"
FAMILY: dict[str, str | bytes | None] = {
    TEMPLATE: "version: 1\n---\njobs: {x: {docker_image: i, resource_flavor: small}}\n",
    a_pipeline("family"): "version: 1\ntemplate: family@v1\ninstances: {a: {}, b: {}}\n",
}
ALERTS = "version: 1\nchannels: {chat: {email: {to: [a@x.example]}}}\n"


def planned(home: Path, before: dict[str, str | bytes | None], after: dict[str, str | bytes | None]) -> Plan:
    """The plan for a change of some files."""
    project = new_project(home, files=before)
    project.write(after)
    return make_plan(project.home)


def codes(plan: Plan) -> tuple[list[str], list[str], int]:
    """The codes of the new and of the solved problems, and how many are unchanged."""
    return [one.code for one in plan.new_problems], [one.code for one in plan.solved_problems], plan.unchanged_problems


def test_the_fields_of_a_change(tmp_path: Path) -> None:
    after = """\
    version: 1
    schedule: "@daily"
    defaults: {docker_image: "acme/image:1", resource_flavor: small}
    jobs:
      load: {args: [load], env: {RUN: "1"}}
      report: {args: [report], retries: 2, resource_flavor: large}
      send: {depends_on: [report]}
    """
    (change,) = planned(tmp_path, {}, {ORDERS: after}).changes

    assert [(one.path, one.before, one.after) for one in change.fields] == [("schedule", ABSENT, "@daily")]
    assert [(job.job, job.kind) for job in change.jobs] == [
        ("load", "changed"),
        ("report", "changed"),
        ("send", "added"),
    ]
    load, report, _ = change.jobs
    assert [(one.path, one.before, one.after) for one in load.fields] == [
        ("spec.containers[base].env[RUN].value", ABSENT, "1")
    ]
    assert [(one.path, one.before, one.after) for one in report.fields] == [
        ("spec.containers[base].resources.requests.cpu", "1", "8"),
        ("spec.containers[base].resources.requests.memory", "1Gi", "32Gi"),
        ("spec.containers[base].resources.limits.cpu", "1", "8"),
        ("spec.containers[base].resources.limits.memory", "1Gi", "32Gi"),
        ("retries.count", 0, 2),
        ("resource_flavor", "small", "large"),
    ]
    assert (change.edges_added, change.edges_removed) == ((("report", "send"),), (("load", "report"),))


def test_a_comment_changes_nothing_and_a_description_only_the_documentation(tmp_path: Path) -> None:
    assert changes(planned(tmp_path / "a", {}, {ORDERS: f"# A comment.\n\n{PIPELINE}"})) == []
    assert changes(planned(tmp_path / "b", {}, {ORDERS: f"{PIPELINE}description: Orders\n"})) == [
        "documentation sales.orders"
    ]


def test_files_that_are_equal_are_not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = comparing.compile_text

    def spy(project: object, text: object) -> object:
        compiled.append(text.file if text else "")  # type: ignore[attr-defined]
        return real(project, text)  # type: ignore[arg-type]

    monkeypatch.setattr(comparing, "compile_text", spy)
    assert changes(planned(tmp_path, {a_pipeline("other"): PIPELINE}, {ORDERS: CHANGED})) == ["changed sales.orders"]
    assert compiled == [ORDERS, ORDERS]


def test_a_broken_and_a_repaired_file(tmp_path: Path) -> None:
    broken = CHANGED.replace("small", "smal")
    plan = planned(tmp_path / "a", {}, {ORDERS: broken})
    assert changes(plan) == ["broken sales.orders"]
    assert codes(plan) == (["unknown-flavor"], [], 0)

    plan = planned(tmp_path / "b", {ORDERS: broken}, {ORDERS: CHANGED})
    assert changes(plan) == ["repaired sales.orders"]
    assert codes(plan) == ([], ["unknown-flavor"], 0)


def test_an_unreadable_file_breaks_all_its_instances(tmp_path: Path) -> None:
    plan = planned(tmp_path, FAMILY, {a_pipeline("family"): "version: [\n"})
    assert changes(plan) == ["broken sales.family.a", "broken sales.family.b"]


def test_a_problem_that_moved_is_not_new(tmp_path: Path) -> None:
    broken = CHANGED.replace("small", "smal")
    plan = planned(tmp_path, {ORDERS: broken}, {ORDERS: f"# A comment.\n\n{broken}"})
    assert (changes(plan), codes(plan)) == ([], ([], [], 1))


def test_a_changed_file_that_was_broken_before_is_still_broken(tmp_path: Path) -> None:
    broken = CHANGED.replace("small", "smal")
    files: dict[str, str | bytes | None] = {ORDERS: broken, a_pipeline("other"): broken}
    plan = planned(tmp_path, files, {ORDERS: broken.replace("[load]", "[load, all]")})
    assert [(one.environment, one.dag_id) for one in plan.still_broken] == [("prod", "sales.orders")]
    assert (plan.changes, plan.changed_files) == ((), (ORDERS,))


def test_other_slots_of_a_pool_change_no_dag(tmp_path: Path) -> None:
    table = "configs/platform/flavors.yaml"
    pools = FLAVORS + "pools: {gpu: 8, old: 1}\n"
    plan = planned(tmp_path, {table: pools}, {table: pools.replace("gpu: 8, old: 1", "gpu: 4, new: 2")})
    assert [(one.pool, one.before, one.after, one.environments) for one in plan.pools] == [
        ("gpu", 8, 4, ("prod",)),
        ("old", 1, None, ("prod",)),
        ("new", None, 2, ("prod",)),
    ]
    assert (plan.changes, plan.changed_files) == ((), (table,))


def test_a_second_problem_of_the_same_kind_is_new(tmp_path: Path) -> None:
    one = "version: 1\njobs: {a: {docker_image: i, resource_flavor: none}}\n"
    two = (
        "version: 1\njobs: {a: {docker_image: i, resource_flavor: none}, b: {docker_image: i, resource_flavor: none}}\n"
    )
    assert codes(planned(tmp_path, {ORDERS: one}, {ORDERS: two})) == (["unknown-flavor"], [], 1)


def test_a_new_file_takes_the_id_of_an_instance_in_an_unchanged_file(tmp_path: Path) -> None:
    project = new_project(tmp_path, files=FAMILY)
    project.write({a_pipeline("family/a"): unlike("a")})
    plan = make_plan(project.home)
    assert codes(plan) == (["duplicate-id"], [], 0)
    assert [(one.kind, one.id, one.file) for one in plan.changes] == [
        ("changed", "sales.family.a", a_pipeline("family/a"))
    ]

    project.commit()
    project.write({a_pipeline("family/a"): None})
    plan = make_plan(project.home, "HEAD")
    assert codes(plan) == ([], ["duplicate-id"], 0)
    assert [(one.kind, one.id, one.file) for one in plan.changes] == [
        ("changed", "sales.family.a", a_pipeline("family"))
    ]


def test_an_asset_that_conflicts_with_an_unchanged_file(tmp_path: Path) -> None:
    def writes(uri: str) -> str:
        return f"{unlike('write')}defaults: {{outlets: [{{name: o, uri: '{uri}'}}]}}\n"

    plan = planned(tmp_path, {a_pipeline("first"): writes("s3://a")}, {a_pipeline("second"): writes("s3://b")})
    assert changes(plan) == ["added sales.second"]
    assert codes(plan) == (["asset-conflict"], [], 0)


def test_a_problem_in_one_environment_names_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, {DEV: "version: 1\n"}, {DEV: "version: 1\nimages: {allowed: [other/*]}\n"})
    assert changes(plan) == ["broken sales.orders"]
    assert [one.environment for one in plan.changes] == ["dev"]
    assert all("dev" in problem.message for problem in plan.new_problems)


def test_environments_of_one_side(tmp_path: Path) -> None:
    added = planned(tmp_path / "a", {}, {DEV: "version: 1\n"})
    assert [(one.environment, one.kind) for one in added.changes] == [("dev", "added")]
    removed = planned(tmp_path / "b", {DEV: "version: 1\n"}, {DEV: None})
    assert [(one.environment, one.kind) for one in removed.changes] == [("dev", "removed")]
    assert removed.environments == ("dev", "prod")


def test_an_unknown_environment(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    with pytest.raises(ProjectError, match="unknown environment `pord`"):
        make_plan(project.home, environments=["pord"])


def test_a_renamed_dag(tmp_path: Path) -> None:
    plan = planned(tmp_path / "same", {}, {ORDERS: None, a_pipeline("renamed"): PIPELINE})
    assert [(one.kind, one.id, one.renamed_from, one.jobs) for one in plan.changes] == [
        ("renamed", "sales.renamed", "sales.orders", ())
    ]

    alike = "\n".join([PIPELINE.rstrip(), *(f"  step-{n}: {{args: [x]}}" for n in range(20))]) + "\n"
    edited = alike.replace("image:1", "image:2")
    plan = planned(tmp_path / "alike", {ORDERS: alike}, {ORDERS: None, "configs/pipelines/other/orders.yaml": edited})
    assert [(one.kind, one.id, one.renamed_from) for one in plan.changes] == [
        ("renamed", "other.orders", "sales.orders")
    ]
    assert {job.kind for job in plan.changes[0].jobs} == {"changed"}

    plan = planned(tmp_path / "unlike", {}, {ORDERS: None, a_pipeline("other"): unlike("other")})
    assert changes(plan) == ["removed sales.orders", "added sales.other"]


def test_a_renamed_instance(tmp_path: Path) -> None:
    renamed = str(FAMILY[a_pipeline("family")]).replace("b: {}", "c: {}")
    plan = planned(tmp_path, FAMILY, {a_pipeline("family"): renamed})
    assert [(one.kind, one.id, one.renamed_from) for one in plan.changes] == [
        ("renamed", "sales.family.c", "sales.family.b")
    ]


def test_each_removed_dag_is_renamed_at_most_once(tmp_path: Path) -> None:
    names = [f"copy-{number}" for number in range(3)]
    plan = planned(tmp_path, {}, {ORDERS: None, **{a_pipeline(name): PIPELINE for name in names}})
    assert changes(plan) == ["renamed sales.copy-0", "added sales.copy-1", "added sales.copy-2"]


def test_two_environments_of_one_revision(tmp_path: Path) -> None:
    project = new_project(
        tmp_path,
        files={
            DEV: "version: 1\ncluster: {namespace: dev}\n",
            PROD: "version: 1\ncluster: {namespace: prod}\n",
            a_pipeline("only"): f"{unlike('only')}only: [prod]\n",
        },
    )
    plan = plan_environments(project.home, "dev", "prod")
    assert changes(plan) == ["added sales.only", "changed sales.orders"]
    assert [(one.path, one.before, one.after) for one in plan.changes[1].fields] == [
        ("cluster.namespace", "dev", "prod")
    ]


def test_many_files_are_compared_in_processes_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, str | bytes | None] = {a_pipeline(f"p-{number}"): unlike(f"p-{number}") for number in range(70)}
    project = new_project(tmp_path, files=files)
    flavors = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}, large: {cpu: 4, memory: 1Gi, cost_per_hour: 1}}\n"
    project.write({"configs/platform/flavors.yaml": flavors, a_pipeline("p-7"): "version: [", a_pipeline("p-8"): None})

    monkeypatch.setattr("os.cpu_count", lambda: 3)
    in_processes = make_plan(project.home)
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    assert make_plan(project.home).changes == in_processes.changes
    assert len(in_processes.changes) == 70
    assert any(field.before is ABSENT for one in in_processes.changes for job in one.jobs for field in job.fields)
