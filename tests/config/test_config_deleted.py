"""A pipeline that nothing defines any more stays, stopped, until its runs are finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from dag_factory.config.model import Manual, Pipeline
from dag_factory.config.project.deleted import Activity, is_deleted
from dag_factory.config.project.open_project import open_project

ONE = "version: 1\nschedule: '@daily'\ndefaults: {docker_image: i, resource_flavor: small}\njobs: {a: {}}\n"
FILES = {
    "platform/flavors.yaml": "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n",
    "platform/environments/dev.yaml": "version: 1\n",
    "platform/environments/prod.yaml": "version: 1\n",
    "platform/templates/pipelines/regional/v1.yaml.j2": """\
        version: 1
        inputs: {country: {type: string}}
        ---
        defaults: {docker_image: "load-${{ inputs.country | lower }}", resource_flavor: small}
        """,
    "pipelines/team/one.yaml": ONE,
    "pipelines/team/two.yaml": ONE,
    "pipelines/team/family.yaml": """\
        version: 1
        template: regional@v1
        instances: {de: {country: DE}, fr: {country: FR}}
        """,
}
ALL = ["team.family.de", "team.family.fr", "team.one", "team.two"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DAG_FACTORY_LAST_GOOD", raising=False)
    for name, text in FILES.items():
        write(tmp_path, name, text)
    assert sorted(run_pass(tmp_path)) == ALL
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def run_pass(home: Path, activity: Activity | Callable[[Pipeline], Activity] = "none") -> Mapping[str, Pipeline]:
    """Run one pass of a loader. Returns the pipelines that it builds."""
    answer = activity if callable(activity) else lambda _: activity
    current = open_project(home, "dev").begin_pass(activity=answer)
    current.record()
    return {one.id: one for one in current.compiled.pipelines}


def delete(home: Path, how: str) -> str:
    """Remove one pipeline from the environment. Returns its id."""
    if how == "file":
        (home / "configs/pipelines/team/one.yaml").unlink()
    elif how == "only":
        write(home, "pipelines/team/one.yaml", ONE + "only: [prod]\n")
    else:
        write(home, "pipelines/team/family.yaml", "version: 1\ntemplate: regional@v1\ninstances: {fr: {country: FR}}\n")
        return "team.family.de"
    return "team.one"


@pytest.mark.parametrize("how", ["file", "only", "instance"])
def test_a_deleted_pipeline_stays_until_its_runs_are_finished(home: Path, how: str) -> None:
    before = run_pass(home)
    dag_id = delete(home, how)
    assert dag_id not in run_pass(home, "active")  # a checkout may be half done
    for _ in range(3):
        found = run_pass(home, "active")
        assert sorted(found) == ALL
        assert (found[dag_id].schedule, found[dag_id].jobs) == (Manual(), before[dag_id].jobs)
        assert is_deleted(found[dag_id]) and not any(is_deleted(one) for key, one in found.items() if key != dag_id)
    assert dag_id not in run_pass(home, "none")
    assert dag_id not in run_pass(home, "active")  # gone for good
    assert dag_id not in open_project(home, "dev").cache().last_good()


def test_the_reason_names_what_happened_to_the_file(home: Path) -> None:
    for how, reason in (
        ("file", "the file `configs/pipelines/team/one.yaml` was deleted or renamed"),
        ("instance", "`configs/pipelines/team/family.yaml` no longer defines this pipeline in the environment `dev`"),
    ):
        dag_id = delete(home, how)
        run_pass(home, "active")
        (problem,) = run_pass(home, "active")[dag_id].stopped
        assert problem.message.startswith(reason)
        assert (problem.line, problem.code) == (0, "deleted-pipeline")


def test_without_unfinished_runs_a_deleted_pipeline_disappears_at_once(home: Path) -> None:
    dag_id = delete(home, "file")
    for _ in range(3):
        assert dag_id not in run_pass(home, "none")
    assert dag_id not in open_project(home, "dev").cache().last_good()


def test_only_deleted_pipelines_are_asked_about(home: Path) -> None:
    asked: list[str] = []

    def activity(pipeline: Pipeline) -> Activity:
        asked.append(pipeline.id)
        return "active"

    run_pass(home, activity)
    dag_id = delete(home, "file")
    run_pass(home, activity)
    assert asked == []
    write(home, "pipelines/team/two.yaml", ONE + "no_such_key: 1\n")
    run_pass(home, activity)
    assert asked == [dag_id]


def test_a_process_that_cannot_ask_changes_nothing(home: Path) -> None:
    """`airflow dags list` runs the loader, too."""
    dag_id = delete(home, "file")
    run_pass(home, "active")
    assert dag_id not in run_pass(home, "unknown")
    run_pass(home, "active")
    for _ in range(3):
        assert dag_id in run_pass(home, "unknown")
    assert dag_id not in run_pass(home, "none")


def test_tasks_that_wait_for_nothing_do_not_keep_a_pipeline_forever(home: Path) -> None:
    dag_id = delete(home, "file")
    run_pass(home)
    count = 0
    while dag_id in run_pass(home, "waiting"):
        count += 1
        assert count < 100
    assert count == 10


def test_a_worker_builds_a_deleted_pipeline_as_the_loader_does(home: Path) -> None:
    for how in ("file", "instance"):
        dag_id = delete(home, how)
        run_pass(home, "active")
        assert open_project(home, "dev").compile_one(dag_id).pipelines == ()  # not certain yet
        built = run_pass(home, "active")[dag_id]
        assert open_project(home, "dev").compile_one(dag_id).pipelines == (built,)


def test_a_restored_file_runs_again(home: Path) -> None:
    dag_id = delete(home, "file")
    run_pass(home, "active")
    assert is_deleted(run_pass(home, "active")[dag_id])
    write(home, "pipelines/team/one.yaml", ONE)
    found = run_pass(home, "active")[dag_id]
    assert not is_deleted(found) and found.schedule != Manual()


def test_deleted_pipelines_do_not_exceed_the_work_limit(home: Path) -> None:
    dag_id = delete(home, "file")
    run_pass(home, "active")
    project = open_project(home, "dev")
    most = project.begin_pass(activity=lambda _: "active").compiled.work
    for limit, is_built in ((most, True), (most - 1, False)):
        current = project.begin_pass(work=limit, activity=lambda _: "active")
        assert (dag_id in {one.id for one in current.compiled.pipelines}) is is_built
        assert current.compiled.work <= limit and not current.left_out


def test_after_thousands_of_deletions_a_pass_asks_a_few_questions(home: Path) -> None:
    for number in range(120):
        write(home, f"pipelines/many/p{number}.yaml", ONE)
    run_pass(home)
    for path in (home / "configs/pipelines/many").iterdir():
        path.unlink()
    run_pass(home)
    asked: list[str] = []

    def activity(pipeline: Pipeline) -> Activity:
        asked.append(pipeline.id)
        return "none"

    for want in (50, 100, 120, 120):
        run_pass(home, activity)
        assert len(asked) == want
    assert len(set(asked)) == 120
