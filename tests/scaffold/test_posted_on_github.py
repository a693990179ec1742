"""The program that posts a plan on GitHub, against a server that answers as GitHub does."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
import yaml
from stand_in_server import QuietHandler, serving

from dag_factory.scaffold.ci.marker import comment_marker
from dag_factory.scaffold.ci.workflows import Choices, workflow_files

MARKER = "<!-- dagf plan: . -->"
OLD_MARKER = "<!-- dagf plan -->"
HEAD = {"sha": "c0ffee", "repo": {"id": 7}}


class GitHub:
    """The state of a repository, and what the program changed."""

    def __init__(self) -> None:
        self.pulls: list[dict[str, Any]] = [{"number": 5, "head": HEAD}]
        self.comments: list[dict[str, Any]] = []
        self.artifacts: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.tokens_elsewhere: list[str] = []
        self.heads: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        match method, path.split("/")[1:]:
            case "GET", ["repos", "o", "r", "pulls"]:
                self.heads += query["head"]
                return self.pulls
            case "GET", ["repos", "o", "r", "actions", "runs", "9", "artifacts"]:
                return {
                    "artifacts": [
                        {
                            "name": name,
                            "expired": False,
                            "size_in_bytes": self.sizes.get(name, len(data)),
                            "archive_download_url": f"{self.url}/download/{name}",
                        }
                        for name, data in self.artifacts.items()
                    ]
                }
            case "GET", ["repos", "o", "r", "issues", number, "comments"]:
                page = int(query["page"][0])
                return [one for one in self.comments if one["issue"] == int(number)][(page - 1) * 100 : page * 100]
            case "POST", ["repos", "o", "r", "issues", number, "comments"]:
                bot = {"login": "github-actions[bot]"}
                self.comments.append({"id": len(self.comments), "issue": int(number), "user": bot, **body})
                return {}
            case "PATCH", ["repos", "o", "r", "issues", "comments", number]:
                self.comments[int(number)]["body"] = body["body"]
                return {}
        raise AssertionError((method, path))


@pytest.fixture
def github() -> Iterator[GitHub]:
    state = GitHub()

    class Handler(QuietHandler):
        def respond(self) -> None:
            url = urlparse(self.path)
            if url.path.startswith("/download/"):
                assert self.headers["Authorization"] == "Bearer token"
                self.send_response(302)
                self.send_header("Location", f"{state.url}/storage/{url.path.rpartition('/')[2]}")
                self.end_headers()
                return
            if url.path.startswith("/storage/"):
                state.tokens_elsewhere += self.headers.get_all("Authorization", [])
                data = state.artifacts[url.path.rpartition("/")[2]]
            else:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                data = json.dumps(state.answer(self.command, url.path, parse_qs(url.query), body)).encode()
            self.send_body(200, data)

        do_GET = do_POST = do_PATCH = respond

    with serving(Handler) as state.url:
        yield state


def archive(text: str | bytes, name: str = "plan.md") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, text)
    return data.getvalue()


def post(github: GitHub, tmp_path: Path, home: str = "", **changes: Any) -> str:
    """Run the program of the workflow, as GitHub's runner does."""
    text = workflow_files("github", Choices(install=".", home=home))[".github/workflows/dagf-comment.yml"]
    program, event = tmp_path / "program", tmp_path / "event.json"
    program.write_text(yaml.safe_load(text)["jobs"]["comment"]["steps"][0]["run"])
    run = {
        "id": 9,
        "head_sha": "c0ffee",
        "head_branch": "fix & more",
        "html_url": "https://github.com/o/r/actions/runs/9",
        "head_repository": {"id": 7, "owner": {"login": "fork"}},
        **changes,
    }
    event.write_text(json.dumps({"workflow_run": run}))
    environment = {
        **os.environ,
        "GITHUB_TOKEN": "token",
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(event),
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_plan_becomes_a_comment_that_the_next_plan_replaces(github: GitHub, tmp_path: Path) -> None:
    other = {"id": 0, "issue": 5, "user": {"login": "somebody"}, "body": f"{MARKER}\nmine"}
    github.comments = [other, *({**other, "id": number, "body": "text"} for number in range(1, 120))]
    github.artifacts = {"plan-5": archive(f"{MARKER}\n## What this change does\n\n**`1` DAG changed**\n")}
    assert "Posted the plan of pull request 5." in post(github, tmp_path)
    assert github.comments[-1]["body"] == f"{MARKER}\n## What this change does\n\n**`1` DAG changed**\n"
    github.artifacts = {"plan-5": archive(f"{MARKER}\nNo change.\n")}
    post(github, tmp_path)
    assert github.comments[-1]["body"] == f"{MARKER}\nNo change.\n"
    assert len(github.comments) == 121
    assert github.comments[0] == other
    assert github.heads == ["fork:fix & more"] * 2


def test_two_projects_of_one_repository_keep_two_comments(github: GitHub, tmp_path: Path) -> None:
    for text in ("first", "second"):
        for home in ("a", "a/b-c"):
            github.artifacts = {"plan-5": archive(f"{comment_marker(home)}\n{text}\n")}
            post(github, tmp_path, home)
    expected = ["<!-- dagf plan: a -->\nsecond\n", "<!-- dagf plan: a/b%2Dc -->\nsecond\n"]
    assert [one["body"] for one in github.comments] == expected


@pytest.mark.parametrize("home", ["", "data/airflow"])
def test_the_comment_of_an_earlier_version_is_replaced(github: GitHub, tmp_path: Path, home: str) -> None:
    github.comments = [{"id": 0, "issue": 5, "user": {"login": "github-actions[bot]"}, "body": f"{OLD_MARKER}\nold"}]
    github.artifacts = {"plan-5": archive(f"{comment_marker(home)}\nnew\n")}
    post(github, tmp_path, home)
    assert [one["body"] for one in github.comments] == [f"{comment_marker(home)}\nnew\n"]


def test_a_forged_plan_cannot_take_the_comment_of_another_project(github: GitHub, tmp_path: Path) -> None:
    github.artifacts = {"plan-5": archive(f"{comment_marker('other')}\ntext\n")}
    post(github, tmp_path, "data")
    assert github.comments[0]["body"] == f"{comment_marker('data')}\ntext\n"


def test_the_storage_of_artifacts_does_not_get_the_token(github: GitHub, tmp_path: Path) -> None:
    github.artifacts = {"plan-5": archive("text")}
    post(github, tmp_path)
    assert len(github.comments) == 1
    assert github.tokens_elsewhere == []


def test_a_forged_plan_is_shown_as_code(github: GitHub, tmp_path: Path) -> None:
    github.artifacts = {"plan-5": archive("@everyone ![x](https://evil.example.com/x.png) <img src=x>")}
    post(github, tmp_path)
    assert "` @everyone ![x](https://evil.example.com/x.png) <img src=x> `" in github.comments[0]["body"]


@pytest.mark.parametrize(
    "pull",
    [
        {"number": 5, "head": {**HEAD, "sha": "other"}},
        {"number": 5, "head": {**HEAD, "repo": {"id": 8}}},
        {"number": 5, "head": {**HEAD, "repo": None}},
    ],
)
def test_only_the_pull_request_of_this_commit_gets_a_comment(
    github: GitHub, tmp_path: Path, pull: dict[str, Any]
) -> None:
    github.pulls = [pull]
    github.artifacts = {"plan-5": archive("text")}
    assert "No open pull request" in post(github, tmp_path)
    assert github.comments == []


def test_the_artifact_cannot_choose_another_pull_request(github: GitHub, tmp_path: Path) -> None:
    github.artifacts = {"plan-6": archive("text")}
    post(github, tmp_path)
    assert [one["issue"] for one in github.comments] == [5]
    assert "There is no plan for this commit" in github.comments[0]["body"]


def test_two_pull_requests_of_one_branch_get_their_own_plan(github: GitHub, tmp_path: Path) -> None:
    github.pulls = [{"number": 5, "head": HEAD}, {"number": 6, "head": HEAD}]
    github.artifacts = {"plan-6": archive("text")}
    post(github, tmp_path)
    assert [one["issue"] for one in github.comments] == [6]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an archive",
        archive("text", "other.md"),
        archive("x" * 2_000_000),  # small, and large when it is unpacked
        archive("text")[:-30],
        os.urandom(1_000_001),
    ],
    ids=["empty", "no-archive", "other-file", "large-file", "cut-off", "large-archive"],
)
def test_an_artifact_that_is_not_a_plan_gives_a_comment_that_says_so(
    github: GitHub, tmp_path: Path, data: bytes
) -> None:
    github.comments = [{"id": 0, "issue": 5, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}\nold"}]
    github.artifacts, github.sizes = {"plan-5": data}, {"plan-5": 1}
    post(github, tmp_path)
    assert github.comments[0]["body"].startswith(f"{MARKER}\n**There is no plan for this commit.**")
    assert "(https://github.com/o/r/actions/runs/9)" in github.comments[0]["body"]


def test_a_plan_with_bytes_that_are_not_text_is_posted(github: GitHub, tmp_path: Path) -> None:
    github.artifacts = {"plan-5": archive(b"a \xff\xfe b")}
    post(github, tmp_path)
    assert len(github.comments) == 1


def test_a_deleted_fork_gets_no_comment(github: GitHub, tmp_path: Path) -> None:
    assert "No open pull request" in post(github, tmp_path, head_repository=None)
