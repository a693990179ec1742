"""``dagf demo``: its exit codes, what it says, and what it leaves."""

from __future__ import annotations

import signal

from local_project import Project, eventually


def test_a_pipeline_with_problems_is_not_started(project: Project) -> None:
    dag_id = project.pipeline("wrong", "jobs: {one: {script: echo hello, depends_on: [two]}}")
    code, said = project.dagf("demo", dag_id)
    assert code == 2
    assert f"The pipeline {dag_id} has problems; see: dagf check" in said
    assert not (project.home / ".dagf").exists()


def test_a_pipeline_that_is_not_there(project: Project) -> None:
    code, said = project.dagf("demo", "checks.nowhere")
    assert code == 2
    assert "The pipeline checks.nowhere does not exist here" in said


def test_a_failing_pipeline_shows_the_end_of_its_log(project: Project) -> None:
    jobs = (
        "jobs: {fine: {script: echo fine, output: json},"
        " bad: {depends_on: [fine], script: 'echo The disk is full.; exit 4'},"
        " reads: {depends_on: [fine], script: 'echo {{ output(\"fine\") }}'}}"
    )
    code, said = project.dagf("demo", project.pipeline("bad", jobs))
    assert code == 1, said
    assert "bad failed; the end of its log" in said
    assert "The disk is full." in said
    assert "exit_code=4" in said
    assert "NoOutput: output('fine'): this job left no output" in said
    assert "::group::" not in said
    assert "everything is stopped again" in said
    eventually(lambda: not project.processes(), 60, "the last process to end")


def test_ctrl_c_leaves_nothing(project: Project) -> None:
    jobs = f"jobs: {{endless: {{env: {{DAGWRIGHT_TEST: {project.mark}}}, script: exec sleep 600}}}}"
    demo = project.begin("demo", project.pipeline("endless", jobs))
    eventually(lambda: project.processes("sleep"), 300, "the job's process")
    demo.send_signal(signal.SIGINT)
    demo.send_signal(signal.SIGINT)  # impatient
    said, _ = demo.communicate(timeout=600)
    assert demo.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    eventually(lambda: not project.processes(), 60, "the last process to end")


def test_told_to_end_while_it_starts_it_leaves_nothing(project: Project) -> None:
    demo = project.begin("demo", project.pipeline("hello", "jobs: {one: {script: echo hello}}"))
    eventually(lambda: len(project.processes()) > 3, 300, "the cluster and a part of Airflow")
    demo.terminate()
    said, _ = demo.communicate(timeout=600)
    assert demo.returncode == 130, said
    eventually(lambda: not project.processes(), 60, "the last process to end")
