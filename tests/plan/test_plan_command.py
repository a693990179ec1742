"""``dagf plan`` as a process, on a repository with history: what a reviewer reads for each kind of change."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from change_project import CHURN, FLAVORS, ChangeProject
from test_plan_hostile_text import assert_harmless

from dag_factory.config.schema import registry
from dag_factory.plan.formats.markdown import MARKER

CHURN_FILE = "pipelines/growth/churn.yaml"


@pytest.fixture
def project(tmp_path: Path) -> ChangeProject:
    return ChangeProject(tmp_path / "repository")


def printed(project: ChangeProject, *options: str, code: int = 0) -> str:
    """The output, with each run of spaces as one, so that line breaks do not matter."""
    result = project.plan(*options)
    assert result.returncode == code, result.stderr
    return " ".join(result.stdout.split())


def test_without_a_change(project: ChangeProject) -> None:
    result = project.plan()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("\n\nNo DAG changes in prod, dev.\n")
    assert "2 environments: prod, dev. 11 of 11 configuration files analyzed." in result.stdout


def test_a_new_image(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    project.commit("new image")
    text = printed(project)
    images = "registry.example.com/churn:1.0 → registry.example.com/churn:1.1"
    assert f"prod, dev: 3 jobs of 1 DAG get another image ({images})." in text
    assert " prod, dev: Catchup starts no runs, prices as before" in text
    change = f"image {images}"
    assert f"{change} in 3 jobs of 1 DAG (in each of prod, dev)" in text
    assert text.count(change) == 1


def test_an_edit_of_a_flavor_is_one_line(project: ChangeProject) -> None:
    project.edit("platform/flavors.yaml", "memory: 2Gi", "memory: 4Gi")
    project.commit("more memory")
    text = printed(project)
    assert "prod, dev: 11 jobs of 6 DAGs get another size (memory 2Gi → 4Gi)." in text and text.count(" 2Gi → 4Gi") == 2
    assert "memory 2Gi → 4Gi in 11 jobs of 6 DAGs (in each of prod, dev)" in text


def test_a_new_pipeline(project: ChangeProject) -> None:
    project.write("pipelines/growth/fresh.yaml", CHURN.replace("churn", "fresh"))
    text = printed(project)
    assert "prod: growth.fresh is new, schedule 0 4 * * *. prod: Catchup starts no runs" in text
    assert "dev: growth.fresh is new, started by hand only. Catchup starts no runs" in text
    assert "growth.fresh is new in prod, dev" in text
    assert "3 jobs with image registry.example.com/fresh:1.0: extract (flavor small), train (flavor large)," in text
    assert "schedule: 0 4 * * * (in prod)" in text and "no schedule: it runs only if" in text
    assert "with uncommitted changes" in text


def test_a_renamed_pipeline_loses_its_history(project: ChangeProject) -> None:
    project.git("mv", f"configs/{CHURN_FILE}", "configs/pipelines/growth/leavers.yaml")
    project.commit("rename")
    text = printed(project)
    assert "growth.leavers is renamed from growth.churn in prod, dev" in text
    assert "growth.churn becomes growth.leavers, a new DAG for Airflow, without history; its jobs" in text
    assert "Risks" in text and "renamed" in text


def test_a_new_version_of_a_template(project: ChangeProject) -> None:
    project.edit("pipelines/growth/hello.yaml", "greet@v1", "greet@v2")
    project.commit("greet@v2")
    text = printed(project)
    assert 'command ["echo", "hello"] → ["echo", "good morning"]' in text
    assert "prod, dev: 1 job of 1 DAG changes (command)." in text


def test_a_file_that_breaks(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "flavor: large", "flavor: larg")
    project.commit("typo")
    result = project.plan()
    assert result.returncode == 1
    text = " ".join(result.stdout.split())
    assert "prod, dev: growth.churn cannot be built, so the last good version keeps running." in text
    assert f"configs/{CHURN_FILE}:9:22 unknown-flavor: unknown flavor `larg` help: did you mean `large`?" in text
    assert "Airflow keeps running the last version" in text
    assert "Exit code 1: 1 new error." in result.stderr


@pytest.mark.parametrize(("new", "code"), [("{{cpu: 1", "broken-table"), ("{cpus: 1", "broken-flavor")])
def test_an_error_in_the_platform_is_first_and_its_consequences_are_one_entry(
    project: ChangeProject, new: str, code: str
) -> None:
    project.edit("platform/flavors.yaml", "small: {cpu: 1", f"small: {new}")
    result = project.plan()
    assert result.returncode == 1 and "Exit code 1: 1 new error." in result.stderr
    text = " ".join(result.stdout.partition("Errors (2)")[2].split())
    assert text.startswith("configs/platform/flavors.yaml has 1 new error configs/platform/flavors.yaml:")
    assert "6 DAGs cannot be built in prod, dev: growth.churn, growth.hello, sales.region_0," in text
    assert text.count(f"{code}: ") == 1 and text.count("keeps running") == 1


def test_a_new_file_with_errors_has_no_version_that_keeps_running(project: ChangeProject) -> None:
    project.write("pipelines/growth/fresh.yaml", "version: 1\njobs: {a: {comand: x}}\n")
    text = printed(project, code=1)
    assert "fresh.yaml:2:12 unknown-key" in text
    assert "keeps running" not in text


def test_errors_that_were_there_before_are_counted_only(project: ChangeProject) -> None:
    project.git("checkout", "--quiet", "main")
    project.write("pipelines/growth/old.yaml", "version: 1\njobs: {a: {comand: x}}\n")
    project.commit("errors")
    project.git("checkout", "--quiet", "-b", "other")
    project.edit("pipelines/growth/old.yaml", "version: 1", "version: 1\ndescription: Old.")
    text = printed(project)
    assert "problems of the tables and the compared files as before" in text and "old.yaml" not in text


def test_a_loosened_guard(project: ChangeProject) -> None:
    project.edit("platform/environments/prod.yaml", "memory: 32Gi", "memory: 256Gi")
    project.commit("more")
    text = printed(project)
    assert "Risks" in text and "32Gi" in text and "256Gi" in text
    assert "prod: 1 limit is loosened, but no job changes. dev: no DAG changes" in text
    assert "the maximum of `memory` is `256Gi`; it was `32Gi`." in text
    assert "-max: {cpu: 16, memory: 32Gi} +max: {cpu: 16, memory: 256Gi}" in text
    assert "limit max.memory" not in text and "runs-in-progress" not in text


def test_a_removed_pipeline(project: ChangeProject) -> None:
    project.git("rm", "--quiet", f"configs/{CHURN_FILE}")
    project.commit("remove")
    text = printed(project)
    assert "prod, dev: growth.churn is removed." in text and "dag-removed: The DAG is removed" in text
    assert "Airflow starts no more runs of it. 3 jobs: extract, train, report" in text


def test_an_edit_of_a_comment_changes_nothing(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "jobs:", "# all jobs of the model\njobs:")
    project.commit("comment")
    differs = "1 of 11 configuration files differs, without an effect on a DAG: configs/pipelines/growth/churn.yaml"
    assert printed(project).endswith(f"No DAG changes in prod, dev. {differs}")
    assert project.plan("--exit-code").returncode == 0


def test_an_edit_of_the_description_is_documentation_only(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "customers leave", "customers will leave")
    text = printed(project)
    assert "prod, dev: only the documentation of 1 DAG changes." in text
    assert "1 DAG (prod, dev): growth.churn" in text


def test_values_that_differ_between_environments_name_them(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "0 4 * * *", "0 */4 * * *")
    project.edit(CHURN_FILE, "set -e", "set -eu")
    text = printed(project)
    assert "growth.churn is changed in prod, dev" in text
    assert "schedule 0 4 * * * → 0 */4 * * * configs/pipelines/growth/churn.yaml:3 (in prod)" in text
    assert (
        f"script: 1 line added, 1 line removed configs/{CHURN_FILE}:11 -set -e +set -eu python -m churn.train" in text
    )


def test_a_removed_job_and_new_dependencies(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "  report: {depends_on: [train]", "  publish: {depends_on: [train]")
    text = printed(project)
    assert "1 new job with image registry.example.com/churn:1.0, flavor small: publish" in text
    assert "1 removed job: report" in text
    assert "new dependency: publish waits for train" in text


def test_exit_codes(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:latest")
    assert project.plan().returncode == 0
    changed = project.plan("--exit-code")
    assert (changed.returncode, changed.stderr) == (1, "Exit code 1: 1 DAG changed.\n")
    assert project.plan("--fail-on", "dag-renamed").returncode == 0
    failed = project.plan("--fail-on", "dag-renamed, moving-image")
    assert failed.returncode == 1 and "risk moving-image" in failed.stderr


def test_an_unknown_risk_is_an_error_with_a_suggestion_and_the_list(project: ChangeProject) -> None:
    result = project.plan("--fail-on", "moving-imag")
    assert result.returncode == 2
    assert "unknown risk `moving-imag` in --fail-on: did you mean `moving-image`?; all risks: " in result.stderr


def test_json_follows_its_schema(project: ChangeProject) -> None:
    project.edit("platform/flavors.yaml", "memory: 2Gi", "memory: 4Gi")
    project.edit(CHURN_FILE, "churn:1.0", "churn:latest")
    project.write("pipelines/growth/fresh.yaml", CHURN.replace("churn", "fresh"))
    document: Any = json.loads(project.plan("--json").stdout)
    schema = json.loads((registry.folder() / "plan.json").read_text("utf-8"))
    jsonschema_rs.Draft202012Validator(schema).validate(document)
    assert document["version"] == 1 and document["head"]["dirty"]
    assert document["environments"][0] == {"name": "prod", "dags": {"added": 1, "changed": 6}}


def test_only_some_environments(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    text = printed(project, "--env", "prod")
    assert "1 environment: prod." in text and "dev" not in text
    wrong = project.plan("--env", "prd")
    assert wrong.returncode == 2 and "did you mean `prod`?" in wrong.stderr


def test_two_environments_of_one_revision(project: ChangeProject) -> None:
    text = printed(project, "--env", "dev..prod")
    assert "From the environment dev to prod, on disk." in text
    assert (
        "6 DAGs with differences" in text and "growth.churn differs" in text and "schedule is set to 0 4 * * *" in text
    )
    assert project.plan("--env", "dev..prod", "--env", "dev").returncode == 2
    assert "leave out BASE and HEAD" in project.plan("main", "--env", "dev..prod").stderr


def test_two_commits(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    project.commit("one")
    project.edit(CHURN_FILE, "churn:1.1", "churn:1.2")
    project.commit("two")
    text = printed(project, "HEAD~1", "HEAD")
    assert "churn:1.1 → registry.example.com/churn:1.2" in text
    unknown = project.plan("nothing")
    assert unknown.returncode == 2 and "unknown revision `nothing`" in unknown.stderr


def test_a_project_below_the_top_of_the_repository(tmp_path: Path) -> None:
    project = ChangeProject(tmp_path, "data/airflow")
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    assert "3 jobs of 1 DAG get another image" in printed(project)
    result = project.plan("--home", "data/airflow", cwd=tmp_path)
    assert "3 jobs of 1 DAG get another image" in result.stdout


def test_without_a_repository_the_plan_could_not_be_made(tmp_path: Path) -> None:
    project = ChangeProject(tmp_path / "repository")
    (tmp_path / "copy").mkdir()
    subprocess.run(["cp", "-r", project.home / "configs", tmp_path / "copy"], check=True)
    result = project.plan(cwd=tmp_path / "copy")
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr and "repository" in result.stderr


def test_a_shallow_clone_names_the_setting_and_replaces_the_old_comment(project: ChangeProject, tmp_path: Path) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    project.commit("new image")
    project.git("checkout", "--quiet", "main")
    project.git("clone", "--quiet", "--depth=1", "--branch=change", f"file://{project.top}", "shallow", cwd=tmp_path)
    result = project.plan("--markdown", cwd=tmp_path / "shallow")
    assert result.returncode == 2 and "fetch-depth: 0" in result.stderr
    assert result.stdout.startswith(f"{MARKER}\n") and "The plan could not be made" in result.stdout
    assert "fetch-depth: 0" in result.stdout
    assert_harmless(result.stdout)


def test_a_comment_says_why_the_check_fails(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "flavor: large", "flavor: larg")
    result = project.plan("--format", "markdown")
    assert result.returncode == 1
    assert "**This change fails the check: 1 new error.**" in result.stdout
    page = assert_harmless(result.stdout)
    assert "larg" in page.code


def test_hostile_names_in_a_pull_request_do_no_harm(project: ChangeProject) -> None:
    for number, name in enumerate(("@octocat", "a`b", "x<img src=x>", "#1", "-->|c|", "\u202eevil", "[x](https:evil)")):
        project.write(f"pipelines/sales/{name}.yaml", "version: 1\njobs: {a: {}}\n")
        project.write(
            f"pipelines/hostile{number}/flow.yaml",
            f"version: 1\ndescription: {json.dumps(name)}\n"
            f"defaults: {{docker_image: {json.dumps(name)}, resource_flavor: small, env: {{A: {json.dumps(name)}}}}}\n"
            f"jobs: {{{json.dumps(name)}: {{}}, b: {{script: {json.dumps(name)}}}}}\n",
        )
    project.edit(
        "pipelines/sales/region_0.yaml", "command: [load]", 'command: ["@octocat", "#1", "https://evil.example"]'
    )
    project.commit("@octocat fixes #1 <!-- dagf plan -->")
    project.git("branch", "--quiet", "-m", "fix-#1-@octocat")
    result = project.plan("--markdown")
    assert result.returncode == 1
    page = assert_harmless(result.stdout)
    assert "@octocat" in "".join(page.code)


def test_colors_are_for_terminals_only(project: ChangeProject) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    assert "\x1b" not in project.plan().stdout


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_colors_unless_no_color_is_set(project: ChangeProject, no_color: bool) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    ours, theirs = os.openpty()
    env = {**os.environ, "DAG_FACTORY_CACHE": "off", "TERM": "xterm", **({"NO_COLOR": "1"} if no_color else {})}
    dagf = Path(sys.executable).parent / "dagf"
    with subprocess.Popen([dagf, "plan", "--home", project.home], stdout=theirs, env=env, cwd=project.home) as running:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 4096):
                text += part
        except OSError:  # the other end is closed
            pass
    assert running.returncode == 0
    assert (b"\x1b[" in text) is not no_color
    assert b"churn:1.1" in text


def test_ctrl_c_leaves_no_folder_behind(project: ChangeProject, tmp_path: Path) -> None:
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    project.commit("new image")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = (
        "import dag_factory.plan.make_plan as module, os, signal\n"
        "module.compare = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "from dag_factory.cli.main import main\nmain(['plan'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.home,
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (result.returncode, result.stderr) == (128 + signal.SIGINT, "")
    assert list(scratch.iterdir()) == []
    assert project.git("status", "--porcelain") == ""


def test_the_cost_of_a_change(project: ChangeProject) -> None:
    assert "cost_per_hour: 0.05" in FLAVORS
    project.edit("platform/flavors.yaml", "cost_per_hour: 0.05", "cost_per_hour: 0.10")
    text = printed(project)
    assert "prod, dev: Catchup starts no runs, price per hour 0.55 → 1.10 (see Cost)" in text
    assert "prod one hour of each of the 11 changed jobs, added up: 0.55 → 1.10" in text


def test_the_cost_of_30_days_counts_jobs_that_it_cannot_estimate(project: ChangeProject, tmp_path: Path) -> None:
    usage = tmp_path / "usage.json"
    job = {"dag_id": "growth.churn", "job": "extract", "median_seconds": 3600, "runs": 3}
    usage.write_text(json.dumps({"version": 1, "jobs": [job]}))
    project.edit(CHURN_FILE, "churn:1.0", "churn:1.1")
    text = printed(project, "--usage", str(usage))
    assert "dev one hour of each of the 3 changed jobs, added up: 0.50 not estimable for 30 days: 3 jobs (3" in text
    assert re.search(
        r"about 1\.50, as before, in the 30 days from \d{4}-\d\d-\d\d not estimable for 30 days: 2 jobs", text
    )


def test_a_wrong_file_of_statistics_is_an_error_that_the_comment_lists(project: ChangeProject, tmp_path: Path) -> None:
    usage = tmp_path / "usage.json"
    usage.write_text('{"version": 1, "jobs": [{"dag_id": "@octocat"}]}')
    result = project.plan("--usage", str(usage), "--markdown")
    assert result.returncode == 2 and "is a required property" in result.stderr
    assert result.stdout.count("\n- ") == 3
    assert_harmless(result.stdout)
    assert project.plan("--usage", "missing.json").stderr == "Error: missing.json: No such file or directory\n"


def test_an_internal_error_replaces_the_old_comment_and_is_no_verdict_about_the_change(project: ChangeProject) -> None:
    code = (
        "import dag_factory.plan.make_plan as module\n"
        "module.compare = None\n"
        "from dag_factory.cli.main import main\nmain(['plan', '--markdown'])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=project.home, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 2
    assert result.stdout.startswith(f"{MARKER}\n") and "internal error" in result.stdout
    assert "Traceback" in result.stderr and "Traceback" not in result.stdout
