"""``dagf run``: parts of pipelines, outputs, params, logs, Ctrl-C. All tests share one private Airflow."""

from __future__ import annotations

import json
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_project import REPOSITORY, Project, eventually

OUTPUT = "mkdir -p /airflow/xcom; echo '{}' > /airflow/xcom/return.json"


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    home = tmp_path_factory.mktemp("warm")
    shutil.copytree(REPOSITORY / "dags", home / "dags")
    shutil.copytree(REPOSITORY / "configs" / "platform", home / "configs" / "platform")
    (home / "configs" / "pipelines").mkdir()
    found = Project(home, uuid.uuid4().hex)
    yield found
    code, output = found.dagf("down")
    assert code == 0, output
    eventually(lambda: not found.processes(), 300, "the last process to end")


def test_parallel_jobs_overlap_and_each_line_names_its_job(warm: Project) -> None:
    """Each job waits for a file of the other one: one after another, they would never end."""
    wait = "touch /meet/{0}; while [ ! -e /meet/{1} ]; do sleep 0.1; done; echo met {1}"
    volumes = "volumes: [{mount_path: /meet, pvc: meet}]"
    jobs = (
        f"jobs: {{left: {{{volumes}, script: '{wait.format('left', 'right')}'}},"
        f" right: {{{volumes}, script: '{wait.format('right', 'left')}'}}}}"
    )
    code, output = warm.dagf("run", warm.pipeline("parallel", jobs))
    assert code == 0, output
    assert "left  | met right" in output
    assert "right | met left" in output


def test_states_outputs_and_verdicts_at_the_end(warm: Project) -> None:
    jobs = (
        "params: {who: {type: string, enum: [you, me]}, many: {type: integer, default: 1}}\n"
        "jobs:\n"
        f'  list: {{script: "{OUTPUT.format("[1, 2]")}", output: json}}\n'
        "  each: {for_each: {output: list, as: ITEM}, script: 'echo item $ITEM'}\n"
        "  skipped: {when: \"{{ params.who == 'you' }}\", script: echo no}\n"
        "  flaky: {retries: {retries: 1, delay: 1s}, script: 'echo The disk is full.; exit 4'}\n"
        "  after: {depends_on: [flaky], script: echo no}\n"
        "  clean: {depends_on: [list], trigger_rule: all_done, script: 'echo {{ params.many + 1 }}'}\n"
    )
    dag_id = warm.pipeline("states", jobs)
    code, output = warm.dagf("run", dag_id, "--param", "who=me", "--param", "many=41")
    assert code == 1, output
    states = {
        words[0]: words[2]
        for words in (line.split() for line in output.split("JOB ")[1].splitlines())
        if len(words) > 3
    }
    assert states["each[1]"] == states["each[2]"] == states["clean"] == "success"
    assert (states["skipped"], states["flaky"]) == ("skipped", "failed")
    assert "waits for retry" in output
    assert "try 2" in output
    assert "clean   | 42" in output
    assert "list: [1, 2]" in output
    assert "flaky: exit code 4: the container failed" in output
    assert f"dagf run {dag_id} --from flaky" in output


def test_a_part_takes_outputs_of_the_last_run_or_of_a_file(warm: Project) -> None:
    jobs = (
        "jobs:\n"
        f"  first:\n    output: json\n    script: |\n      {OUTPUT.format(json.dumps({'rows': 7}))}\n"
        "  second: {depends_on: [first], script: 'echo rows {{ output(\"first\").rows }}'}\n"
        "  third: {depends_on: [second], script: echo third}\n"
    )
    dag_id = warm.pipeline("parts", jobs)
    code, output = warm.dagf("run", dag_id, "second")
    assert code == 2
    assert "the output is missing that this run reads from `first`" in output
    assert "--output first=FILE" in output

    file = warm.home / "first.json"
    file.write_text(json.dumps({"rows": 3}))
    code, output = warm.dagf("run", dag_id, "second", "--output", f"first={file}")
    assert code == 0, output
    assert "second | rows 3" in output

    code, output = warm.dagf("run", dag_id)
    assert code == 0, output
    code, output = warm.dagf("run", dag_id, "--from", "second")
    assert code == 0, output
    assert "second | rows 7" in output
    assert "third  | third" in output
    assert "first " not in output.split("JOB")[1]


def test_hostile_logs(warm: Project) -> None:
    script = (
        r"printf '\033[2J\033]0;title\007red\n'; head -c 100000 /dev/zero | tr '\0' x; echo;"
        " seq 1 50000; echo the last line"
    )
    code, output = warm.dagf("run", warm.pipeline("hostile", f"jobs:\n  one:\n    script: |\n      {script}\n"))
    assert code == 0, output[-2000:]
    assert "one | red\n" in output
    assert "\x1b" not in output
    assert max(map(len, output.splitlines())) < 3_000
    assert "(the line has 100,000 characters)" in output
    assert "one | 50000\n" in output
    assert "one | the last line\n" in output


def test_ctrl_c_deletes_pods_that_are_kept(warm: Project) -> None:
    jobs = (
        f"jobs:\n  done: {{keep_pod: always, script: echo done}}\n"
        f"  endless: {{depends_on: [done], keep_pod: always, env: {{DAGWRIGHT_TEST: {warm.mark}}},"
        " script: exec sleep 600}\n"
    )
    dag_id = warm.pipeline("endless", jobs)
    running = warm.begin("run", dag_id)
    eventually(lambda: warm.processes("sleep"), 300, "the process of the job")
    assert warm.dagf("cluster", "ps", "--all")[1].count("checks-endless-") == 2
    code, output = warm.dagf("run", dag_id)
    assert code == 2
    assert f"`{dag_id}` runs already in another process" in output
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGINT)  # an impatient user
    output, _ = running.communicate(timeout=600)
    assert running.returncode == 130, output
    assert "its pods were deleted" in output
    assert "Traceback" not in output
    eventually(lambda: not warm.processes("sleep"), 300, "the end of the process of the job")
    eventually(lambda: "checks-endless-" not in warm.dagf("cluster", "ps", "--all")[1], 300, "the pods to be gone")


def test_the_next_run_ends_the_run_of_a_command_that_was_killed(warm: Project) -> None:
    environment = f"env: {{DAGWRIGHT_TEST: {warm.mark}}}"
    dag_id = warm.pipeline("killed", f"jobs: {{one: {{{environment}, script: exec sleep 600}}}}")
    running = warm.begin("run", dag_id)
    eventually(lambda: warm.processes("sleep"), 300, "the process of the job")
    running.kill()
    running.communicate()
    warm.pipeline("killed", "jobs: {one: {script: echo the new file}}")
    code, output = warm.dagf("run", dag_id)
    assert code == 0, output
    assert "one | the new file" in output
    eventually(lambda: not warm.processes("sleep"), 300, "the end of the first process")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("checks.sttes",), "did you mean `checks.states`?"),
        (("checks.states", "flakky"), "did you mean `flaky`?"),
        (("checks.states", "--from", "flakky"), "did you mean `flaky`?"),
        (("checks.states", "--param", "whoo=me"), "did you mean `who`?"),
        (("checks.states", "--param", "who=mee"), "did you mean `me`?"),
        (("checks.states",), "the param `who` has no default; add --param who=VALUE"),
        (("checks.states", "--param", "who=me", "--param", "many=x"), "its type is integer"),
        (("checks.states", "--env", "prod"), "add --remote to run the pods there"),
        (("checks.states", "--env", "prdo"), "did you mean `prod`?"),
        (("checks.states", "flaky", "--from", "flaky"), "either one JOB or --from JOB"),
    ],
)
def test_what_cannot_run(project: Project, arguments: tuple[str, ...], message: str) -> None:
    project.pipeline(
        "states",
        "params: {who: {type: string, enum: [you, me]}, many: {type: integer, default: 1}}\n"
        "jobs: {flaky: {script: 'echo {{ params.who }}'}}",
    )
    code, output = project.dagf("run", *arguments)
    assert (code, "Traceback" in output) == (2, False), output
    assert message in output
    assert not Path(project.home / ".dagf" / "run").exists()
