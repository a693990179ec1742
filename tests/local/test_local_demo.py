"""``dagf demo``: its exit codes and output, and that it leaves no process."""

from __future__ import annotations

import signal

from local_project import Project, eventually


def test_a_pipeline_with_problems_is_not_started(project: Project) -> None:
    dag_id = project.pipeline("wrong", "jobs: {one: {script: echo hello, depends_on: [two]}}")
    code, output = project.dagf("demo", dag_id)
    assert code == 2
    assert "unknown job `two`" in output
    assert f"{dag_id} has errors in local, so it cannot run" in output
    assert not (project.home / ".dagf").exists()


def test_an_unknown_pipeline(project: Project) -> None:
    code, output = project.dagf("demo", "checks.nowhere")
    assert code == 2
    assert "unknown pipeline `checks.nowhere`" in output


def test_a_failing_pipeline_shows_the_end_of_its_log(project: Project) -> None:
    jobs = (
        "jobs: {fine: {script: echo fine, output: json},"
        " bad: {depends_on: [fine], script: 'echo The disk is full.; exit 4'},"
        " reads: {depends_on: [fine], script: 'echo {{ output(\"fine\") }}'}}"
    )
    code, output = project.dagf("demo", project.pipeline("bad", jobs))
    assert code == 1, output
    assert "bad   | The disk is full." in output
    assert "bad: exit code 4: the container failed" in output
    assert "cannot be rendered: output('fine'): this job has no output" in output
    assert "::group::" not in output
    assert "Everything is stopped again" in output
    eventually(lambda: not project.processes(), 300, "the last process to end")


def test_ctrl_c_leaves_no_process(project: Project) -> None:
    jobs = f"jobs: {{endless: {{env: {{DAGWRIGHT_TEST: {project.mark}}}, script: exec sleep 600}}}}"
    demo = project.begin("demo", project.pipeline("endless", jobs))
    eventually(lambda: project.processes("sleep"), 300, "the job's process")
    demo.send_signal(signal.SIGINT)
    demo.send_signal(signal.SIGINT)  # an impatient user
    output, _ = demo.communicate(timeout=600)
    assert demo.returncode == 130
    assert "Interrupted" in output
    assert "Traceback" not in output
    eventually(lambda: not project.processes(), 300, "the last process to end")


def test_sigterm_during_the_start_leaves_no_process(project: Project) -> None:
    demo = project.begin("demo", project.pipeline("hello", "jobs: {one: {script: echo hello}}"))
    eventually(lambda: len(project.processes()) > 3, 300, "the cluster and a part of Airflow")
    demo.terminate()
    output, _ = demo.communicate(timeout=600)
    assert demo.returncode == 130, output
    eventually(lambda: not project.processes(), 300, "the last process to end")
