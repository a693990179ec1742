"""The example pipelines run without changes."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from real_stack import WHAT_IF, Running


def test_wine_names_the_best_model_and_writes_its_report(running: Running) -> None:
    run = running.runs["wine"]
    assert run.wait() == "success", run.jobs()
    jobs = run.jobs()
    assert set(jobs.values()) == {"success"}

    output = {job: run.output(job) for job in jobs}
    candidates = [output[job] for job in ("train-linear", "train-forest", "train-boosting")]
    best = min(candidates, key=lambda one: one["log_loss"])
    assert output["evaluate"]["model"] == best["model"]
    assert f"The winner is {best['model']}" in run.log("report")

    page = Page(running.claim("wine") / output["report"]["report"].removeprefix("/data/"))
    assert "Wine cultivars" in page.text
    assert page.tags.count("svg") + page.tags.count("img") >= 3


def test_hello_prints_its_line(running: Running) -> None:
    run = running.runs["hello"]
    assert run.wait() == "success"
    assert "Hello from start.hello, try 1." in run.log("main")


def test_orders_are_loaded_although_one_export_is_damaged(running: Running) -> None:
    intact = running.runs["orders"]
    assert intact.wait() == "success"
    assert set(intact.jobs().values()) == {"success"}

    damaged = running.runs["damaged"]
    assert damaged.wait() == "failed"
    jobs = damaged.jobs()
    assert jobs["clean-fr"] == "failed"
    assert [jobs[job] for job in ("clean-de", "clean-uk", "load", "summary")] == ["success"] * 4
    assert (jobs["check"], jobs["publish"]) == ("failed", "upstream_failed")
    assert "exit code 3: the container failed" in damaged.log("check")
    assert (running.claim("orders") / "summary.md").is_file()


def test_freshness_finds_the_loaded_orders(running: Running) -> None:
    assert running.runs["orders"].wait() == "success"
    run = running.start("retail.freshness")
    assert run.wait() == "success", run.jobs()
    assert '"freshness"' in (running.claim("orders") / "freshness.jsonl").read_text()


def test_what_if_uses_the_values_of_its_form(running: Running) -> None:
    run = running.runs["what_if"]
    assert run.wait() == "success"
    page = Page(running.claim("what-if") / run.output("compare")["report"].removeprefix("/data/"))
    assert WHAT_IF["title"] in page.text


class Page(HTMLParser):
    """An HTML file: its text and its tags."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(path.read_text("utf-8"))
        assert self.tags[0] == "html"

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
