"""The program that posts a plan on GitLab, against a server that answers as GitLab does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
import yaml
from stand_in_server import QuietHandler, serving

from dag_factory.scaffold.ci.workflows import Choices, workflow_files

MARKER = "<!-- dagf plan: . -->"
OLD_MARKER = "<!-- dagf plan -->"
NOTES = "/projects/3/merge_requests/7/notes"
BOT, PERSON = {"id": 11}, {"id": 12}


class GitLab:
    """The notes of one merge request. ``status`` is that of every answer."""

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.status = 200
        self.url = ""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        if (method, path) == ("GET", "/user"):
            return BOT
        if (method, path) == ("GET", NOTES):
            page = int(query["page"][0])
            return self.notes[(page - 1) * 100 : page * 100]
        if (method, path) == ("POST", NOTES):
            self.notes.append({"id": len(self.notes), "author": BOT, **body})
            return self.notes[-1]
        assert method == "PUT" and path.startswith(f"{NOTES}/")
        self.notes[int(path.rpartition("/")[2])]["body"] = body["body"]
        return {}


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    state = GitLab()

    class Handler(QuietHandler):
        def respond(self) -> None:
            state.tokens |= {self.headers["PRIVATE-TOKEN"]}
            url = urlparse(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            found = state.answer(self.command, url.path, parse_qs(url.query), body) if state.status == 200 else {}
            self.send_body(state.status, json.dumps(found).encode())

        do_GET = do_POST = do_PUT = respond

    with serving(Handler) as state.url:
        yield state


def post(
    gitlab: GitLab, folder: Path, plan: str | None, home: str = "", succeeds: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the program of the job `comment`, as GitLab's runner does."""
    text = workflow_files("gitlab", Choices(install=".", home=home))[".gitlab-ci.yml"]
    script = yaml.safe_load(text)["comment"]["script"][0]
    program = script.split("<<'END_OF_SCRIPT'\n")[1].split("END_OF_SCRIPT")[0]
    if plan is not None:
        (folder / "plan.md").write_text(plan)
    environment = {
        **os.environ,
        "DAGF_GITLAB_TOKEN": "secret",
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode == 0) is succeeds, done.stderr
    return done


def test_a_plan_becomes_a_note_that_the_next_plan_replaces(gitlab: GitLab, tmp_path: Path) -> None:
    forged = {"id": 0, "author": PERSON, "body": f"{MARKER}\nmine"}
    gitlab.notes = [forged, *({"id": number, "author": PERSON, "body": "text"} for number in range(1, 150))]
    post(gitlab, tmp_path, f"{MARKER}\n## What this change does\n")
    assert gitlab.notes[-1]["body"] == f"{MARKER}\n## What this change does\n"
    post(gitlab, tmp_path, f"{MARKER}\nNo change.\n")
    assert gitlab.notes[-1]["body"] == f"{MARKER}\nNo change.\n"
    assert len(gitlab.notes) == 151 and gitlab.notes[0] == forged
    assert gitlab.tokens == {"secret"}


def test_two_projects_of_a_repository_have_two_notes(gitlab: GitLab, tmp_path: Path) -> None:
    for text in ("one", "two"):
        for home in ("", "data/airflow", "data-airflow"):
            post(gitlab, tmp_path, f"{MARKER}\n{text}\n", home)
    markers = [MARKER, "<!-- dagf plan: data/airflow -->", "<!-- dagf plan: data%2Dairflow -->"]
    assert [note["body"] for note in gitlab.notes] == [f"{marker}\ntwo\n" for marker in markers]


@pytest.mark.parametrize("home", ["", "data/airflow"])
def test_the_note_of_an_earlier_version_is_replaced(gitlab: GitLab, tmp_path: Path, home: str) -> None:
    gitlab.notes = [{"id": 0, "author": BOT, "body": f"{OLD_MARKER}\nold"}]
    post(gitlab, tmp_path, f"{OLD_MARKER}\nnew\n", home)
    (note,) = gitlab.notes
    assert note["body"].startswith("<!-- dagf plan: ") and note["body"].endswith(" -->\nnew\n")


def test_a_forged_marker_cannot_take_the_note_of_another_project(gitlab: GitLab, tmp_path: Path) -> None:
    other = {"id": 0, "author": BOT, "body": "<!-- dagf plan: other -->\ntext\n"}
    gitlab.notes = [other]
    post(gitlab, tmp_path, "<!-- dagf plan: other -->\nforged\n", "data")
    assert [note["body"] for note in gitlab.notes] == [other["body"], "<!-- dagf plan: data -->\nforged\n"]


def test_a_forged_plan_is_shown_as_code(gitlab: GitLab, tmp_path: Path) -> None:
    post(gitlab, tmp_path, "/approve\n@everyone <img src=x>")
    assert "` /approve `\n` @everyone <img src=x> `" in gitlab.notes[0]["body"]


@pytest.mark.parametrize("plan", [None, "", "x" * 1_000_001])
def test_without_a_plan_the_old_one_is_replaced(gitlab: GitLab, tmp_path: Path, plan: str | None) -> None:
    post(gitlab, tmp_path, f"{MARKER}\nNo change.\n")
    (tmp_path / "plan.md").unlink()
    post(gitlab, tmp_path, plan)
    assert "There is no plan for this commit" in gitlab.notes[0]["body"]
    assert len(gitlab.notes) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_an_error_of_gitlab_fails_the_job_and_shows_no_token(gitlab: GitLab, tmp_path: Path, status: int) -> None:
    gitlab.status = status
    done = post(gitlab, tmp_path, "text", succeeds=False)
    assert str(status) in done.stderr and "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert {401: "expired", 403: "role Reporter", 404: "of this project", 500: "again"}[status] in done.stderr
