"""Airflow's UI in a real browser."""

from __future__ import annotations

import re

from browser import screenshot
from playwright.sync_api import Page, expect
from real_stack import Running, wait_for

BROKEN = """\
version: 1
description: Two mistakes, each with its line.
defaults: {docker_image: "busybox:1", resource_flavor: cpu-small}
jobs:
  first:
    resource_flavor: cpu-smal
    script: echo "Never printed."
  second:
    depends_on: [frist]
    script: echo "Nor is this."
"""


def test_the_list_of_dags_shows_the_examples(running: Running, page: Page) -> None:
    running.runs["wine"].wait()
    page.goto(f"{running.api.url}/dags?tags=example")
    for dag_id in ("ml.wine", "retail.orders", "retail.what_if", "start.hello"):
        expect(page.get_by_role("link", name=dag_id, exact=True)).to_be_visible()
    expect(page.get_by_text("Log in")).to_have_count(0)
    screenshot(page, "dags")


def test_a_run_is_shown_as_a_graph(running: Running, page: Page) -> None:
    run = running.runs["wine"]
    run.wait()
    page.goto(f"{running.api.url}/dags/{run.dag_id}/runs/{run.id}")
    page.get_by_role("button", name="Show Graph").click()
    boosting = page.get_by_test_id("rf__node-train-boosting")
    expect(boosting).to_contain_text("success")
    expect(boosting).to_contain_text(re.compile(r"[a-z0-9-]+ · [0-9.]+ CPU, [0-9]+[MG]i"))  # the flavor and its size
    screenshot(page, "run")
    page.get_by_role("button", name="Show Grid").click()  # Airflow remembers the choice for the next pages
    expect(boosting).to_have_count(0)


def test_the_log_of_a_job(running: Running, page: Page) -> None:
    run = running.runs["wine"]
    run.wait()
    page.goto(f"{running.api.url}/dags/{run.dag_id}/runs/{run.id}/tasks/report")
    expect(page.get_by_text(re.compile("The winner is"))).to_be_visible()
    screenshot(page, "log")


def test_the_log_of_a_failed_job(running: Running, page: Page) -> None:
    run = running.runs["memory"]
    run.wait()
    page.goto(f"{running.api.url}/dags/{run.dag_id}/runs/{run.id}/tasks/hungry")
    expect(page.get_by_text(re.compile("out of memory: the container was killed at its limit"))).to_be_visible()
    screenshot(page, "failed")


def test_the_documentation_of_a_pipeline(running: Running, page: Page) -> None:
    page.goto(f"{running.api.url}/dags/retail.what_if")
    page.get_by_role("button", name="Dag Docs").click()
    expect(page.get_by_role("paragraph").filter(has_text="Simulates the stock of a product twice")).to_be_visible()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("cpu-small").first).to_be_visible()
    # Every line of the jobs fits into the dialog: nothing is cut or scrolls sideways, except blocks of code.
    wide = """all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && !one.closest('pre'))
                        .map(one => one.outerHTML)"""
    assert dialog.locator("ul, li, p").evaluate_all(wide) == []
    screenshot(page, "docs")


def test_the_form_for_params(running: Running, page: Page) -> None:
    page.goto(f"{running.api.url}/dags/retail.what_if")
    page.get_by_role("button", name="Trigger").click()
    expect(page.get_by_role("group").filter(has_text="Name of the scenario").get_by_role("textbox")).to_have_value(
        "Summer campaign"
    )
    expect(page.get_by_text("The demand relative to today. 1.25 means 25 percent more.")).to_be_visible()
    screenshot(page, "form")


def test_import_errors_show_position_and_code(running: Running, page: Page) -> None:
    path, file = running.pipeline("checks.two_mistakes", BROKEN), "pipelines/checks/two_mistakes.yaml"
    try:
        wait_for(lambda: running.import_error(file), 300, "the row in Import Errors")
        page.goto(running.api.url)
        page.get_by_role("button", name=re.compile("Import Error")).click()
        page.get_by_text("import_errors.py").first.click()
        expect(page.get_by_text(re.compile(r"two_mistakes\.yaml:6:22: unknown-flavor"))).to_be_visible()
        screenshot(page, "import-errors")
    finally:
        path.unlink()
        wait_for(lambda: not running.import_error(file), 300, "the row to disappear")
