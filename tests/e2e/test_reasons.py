"""The pages in Airflow that say why something waits, did not run, or is gone."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from browser import screenshot
from playwright.sync_api import Page, expect
from real_stack import Run, Running, wait_for

DAG_ID = "checks.why"
GOOD = """\
version: 1
defaults: {docker_image: "busybox:1", resource_flavor: cpu-small}
jobs: {one: {script: echo done}}
"""


@pytest.fixture(scope="module")
def runs(running: Running) -> Iterator[tuple[Run, Run]]:
    """Two runs of one pipeline that allows one run. A job of the first run uses all slots of a pool."""
    started = running.start(DAG_ID), running.start(DAG_ID)
    ready = {"holds": "running", "waits": "scheduled", "fails": "failed", "last": "upstream_failed"}
    wait_for(lambda: ready.items() <= started[0].jobs().items(), 300, "the jobs to wait and to fail")
    yield started
    for run in reversed(started):
        running.api.call("PATCH", f"/dags/{DAG_ID}/dagRuns/{run.id}", {"state": "failed"})


def why(running: Running, kind: str, **query: Any) -> str:
    """Return the text of a page Why?, without tags."""
    answer = httpx.get(f"{running.api.url}/dagwright/why/{kind}", params=query, timeout=120)
    body = answer.text.partition("<main>")[2].partition("</main>")[0]
    words = re.sub(r"<[^>]*>", "", re.sub(r"<(?:/?code)>", "", body).replace("<", " <"))
    return " ".join(html.unescape(words).split())


def of_task(running: Running, run: Run, task_id: str) -> str:
    return why(running, "task", dag_id=run.dag_id, run_id=run.id, task_id=task_id)


def test_the_tab_of_a_task_says_that_its_pool_is_full(running: Running, runs: tuple[Run, Run], page: Page) -> None:
    page.goto(f"{running.api.url}/dags/{DAG_ID}/runs/{runs[0].id}/tasks/waits")
    page.get_by_role("link", name="Why?").click()
    tab = page.frame_locator("iframe")
    expect(tab.get_by_text("The pool gpu is full: 8 of 8 slots in use. This task needs 1.")).to_be_visible()
    screenshot(page, "why")
    tab.get_by_role("link", name=f"holds of {DAG_ID} (8 slots)").click()
    expect(page).to_have_url(re.compile(r"/tasks/holds/plugin/why-task$"))


def test_the_tab_of_a_run_says_what_its_open_tasks_wait_for(
    running: Running, runs: tuple[Run, Run], page: Page
) -> None:
    page.goto(f"{running.api.url}/dags/{DAG_ID}/runs/{runs[0].id}")
    page.get_by_role("link", name="Why?").click()
    tab = page.frame_locator("iframe")
    expect(tab.get_by_text(re.compile(r"^fails failed: exit code 3: .*the table is empty"))).to_be_visible()
    expect(tab.get_by_text("waits: The pool gpu is full: 8 of 8 slots in use. This task needs 1.")).to_be_visible()


def test_the_tab_of_a_pipeline_says_that_its_runs_are_limited(
    running: Running, runs: tuple[Run, Run], page: Page
) -> None:
    page.goto(f"{running.api.url}/dags/{DAG_ID}")
    page.get_by_role("link", name="Why?").click()
    tab = page.frame_locator("iframe")
    expect(tab.get_by_text("waits: The pool gpu is full: 8 of 8 slots in use. This task needs 1.")).to_be_visible()
    tab.get_by_role("link", name=re.compile(r"^waits of the run ")).click()
    expect(page.get_by_role("link", name="Why?")).to_have_attribute("aria-current", "page")
    expect(page.frame_locator("iframe").get_by_text(re.compile(r"^The pool gpu is full"))).to_be_visible()
    text = why(running, "run", dag_id=DAG_ID, run_id=runs[1].id)
    assert "The limit of active runs is reached: 1 of 1 (max_active_runs). The next run waits." in text
    assert runs[0].id in text


def test_a_task_that_did_not_run_names_the_failed_task_and_its_verdict(running: Running, runs: tuple[Run, Run]) -> None:
    text = of_task(running, runs[0], "last")
    assert "The task did not run, because fails failed." in text
    assert re.search(r"fails: exit code 3: .*the table is empty", text)


def test_a_failed_task_has_its_verdict_and_its_tries(running: Running, runs: tuple[Run, Run]) -> None:
    text = of_task(running, runs[0], "fails")
    assert re.search(r"Exit code 3: .*the table is empty", text)
    assert re.search(r"Tries .* 1 cpu-small (500m|0\.5) CPU, 768Mi .* checks-why-fails-", text)


def test_task_run_and_pipeline_say_what_a_pod_waits_for(running: Running) -> None:
    path = running.pipeline("checks.stuck", GOOD.replace("{script:", "{node_selector: {disk: none}, script:"))
    run = running.start("checks.stuck")
    waits = r"The pod of try 1 has been waiting for \S+, for a node: 0/1 nodes"
    try:
        found = wait_for(lambda: re.search(f"{waits}.*", of_task(running, run, "one")), 300, "the reason")
        assert "has been running" not in found.string
        assert "The try fails after" in found[0]
        assert re.search(f"one: {waits}", why(running, "run", dag_id=run.dag_id, run_id=run.id))
        assert re.match(f".{{0,60}}one: {waits}", why(running, "dag", dag_id=run.dag_id))
    finally:
        running.api.call("PATCH", f"/dags/{run.dag_id}/dagRuns/{run.id}", {"state": "failed"})
        path.unlink()


def test_a_paused_pipeline_says_so(running: Running, runs: tuple[Run, Run]) -> None:
    running.api.call("PATCH", f"/dags/{DAG_ID}", {"is_paused": True})
    try:
        assert "The DAG is paused." in why(running, "dag", dag_id=DAG_ID)
        assert "The DAG is paused, so Airflow starts none of its tasks." in of_task(running, runs[0], "waits")
    finally:
        running.api.call("PATCH", f"/dags/{DAG_ID}", {"is_paused": False})


def test_a_run_that_does_not_exist_has_a_page(running: Running) -> None:
    answer = httpx.get(f"{running.api.url}/dagwright/why/run?dag_id={DAG_ID}&run_id=none", timeout=120)
    assert answer.status_code == 404
    assert "Airflow has no such run or task." in answer.text


def test_the_list_has_pipelines_that_are_gone_broken_or_elsewhere(running: Running, page: Page) -> None:
    gone = running.pipeline("checks.gone", GOOD)
    never_valid = running.pipeline("checks.never_valid", GOOD.replace("cpu-small", "cpu-smal"))
    elsewhere = running.pipeline("checks.elsewhere", GOOD.replace("version: 1", "version: 1\nonly: [prod]"))
    broken = running.pipeline("checks.broken", GOOD)
    try:
        for dag_id in ("checks.gone", "checks.broken"):
            assert running.api.wait_for_dag(dag_id, 300)
        gone.unlink()
        running.pipeline("checks.broken", GOOD.replace("cpu-small", "cpu-smal"))
        states = {
            "checks.gone": "deleted",
            "checks.never_valid": "broken",
            "checks.elsewhere": "not here",
            "checks.broken": "last good version",
        }
        page.goto(running.api.url)
        page.get_by_role("link", name="Pipelines").click()
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("row").first).to_be_visible()

        def is_shown(dag_id: str) -> bool:
            """Read the list again: it shows the state of the moment."""
            page.reload()
            row = frame.get_by_role("row").filter(has_text=dag_id)
            expect(frame.get_by_role("row").first).to_be_visible()
            return row.get_by_text(states[dag_id], exact=True).is_visible()

        for dag_id in states:
            wait_for(lambda dag_id=dag_id: is_shown(dag_id), 300, dag_id)
        screenshot(page, "pipelines")
        wait_for(
            lambda: "No file defines checks.gone any more" in why(running, "dag", dag_id="checks.gone"), 300, "gone"
        )
        page.goto(f"{running.api.url}/dags/checks.gone/plugin/why")
        expect(page.frame_locator("iframe").get_by_text("No file defines checks.gone any more")).to_be_visible()
    finally:
        for path in (gone, never_valid, elsewhere, broken):
            path.unlink(missing_ok=True)
        for path in (never_valid, broken):
            file = f"pipelines/checks/{path.name}"
            wait_for(lambda file=file: not running.import_error(file), 300, "the errors to disappear")


def test_a_task_has_its_links_while_its_pod_runs_and_afterwards(running: Running, runs: tuple[Run, Run]) -> None:
    for task_id, line in (("holds", 6), ("fails", 9)):
        path = f"/dags/{DAG_ID}/dagRuns/{runs[0].id}/taskInstances/{task_id}/links"
        links = running.api.call("GET", path)["extra_links"]
        assert re.fullmatch(
            rf"https://dashboard\.example\.com/#/pod/default/checks-why-{task_id}-\w+", links["Pod"] or ""
        )
        file = "configs/pipelines/checks/why.yaml"
        assert links["Source"] == f"https://git.example.com/acme/pipelines/blob/main/{file}#L{line}"


def test_the_log_of_a_running_job_does_not_ask_for_a_log_server(runs: tuple[Run, Run]) -> None:
    log = runs[0].log("holds")
    assert "Could not read served logs" not in log
    assert log
