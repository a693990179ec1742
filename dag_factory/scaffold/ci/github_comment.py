"""Post the plan of a pull request as one comment on GitHub, which later plans replace.

``dag_factory.scaffold.ci.workflows`` copies this module into a workflow, so it needs nothing but Python. The workflow
has the right to comment and runs no code of the pull request. A fork can forge the artifact with the plan, so nothing
of it is trusted: the pull request comes from the event and from GitHub's API, and the text is made harmless.
"""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from dag_factory.scaffold.ci.safe_comment import MARKER, OLD_MARKER, safe_comment

LARGEST = 1_000_000  # bytes of the artifact, compressed and not
BOT = "github-actions[bot]"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Return a redirect as an error: its target must not get the token."""

    def redirect_request(self, *_: Any) -> None:
        return None


def call(path: str, method: str = "GET", body: object = None) -> Any:
    """Call GitHub's API and return the JSON of its answer."""
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    data = None if body is None else json.dumps(body).encode()
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
        return json.load(answer)


def find_pull_requests(run: dict[str, Any]) -> list[int]:
    """Return the numbers of the open pull requests whose last commit is the one of the run."""
    if not run["head_repository"]:  # the fork was deleted
        return []
    head = f"{run['head_repository']['owner']['login']}:{run['head_branch']}"
    found = call(f"pulls?state=open&per_page=100&head={urllib.parse.quote(head, safe='')}")
    repository, commit = run["head_repository"]["id"], run["head_sha"]
    return [
        int(one["number"])
        for one in found
        if one["head"]["sha"] == commit and (one["head"]["repo"] or {}).get("id") == repository
    ]


def download(url: str) -> bytes:
    """Return the first bytes of an artifact. The place that GitHub names does not get the token."""
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}"}
    try:
        opener = urllib.request.build_opener(NoRedirect)
        with opener.open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return bytes(answer.read(LARGEST + 1))
    except urllib.error.HTTPError as redirect:
        if redirect.code not in (301, 302, 303, 307, 308):
            raise
        with urllib.request.urlopen(redirect.headers["Location"], timeout=60) as answer:
            return bytes(answer.read(LARGEST + 1))


def read_plan(run: dict[str, Any], number: int) -> str:
    """Return the text of the plan; empty if there is none, or if it is too large."""
    found = call(f"actions/runs/{int(run['id'])}/artifacts?per_page=100")["artifacts"]
    for one in found:
        if one["name"] == f"plan-{number}" and not one["expired"] and one["size_in_bytes"] <= LARGEST:
            data = download(one["archive_download_url"])
            try:
                with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("plan.md") as file:
                    text = file.read(LARGEST + 1)
            except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, EOFError):
                return ""
            return text.decode("utf-8", "replace") if max(len(data), len(text)) <= LARGEST else ""
    return ""


def find_comment(number: int) -> int | None:
    """Return the comment of an earlier plan of this project, or else one of an earlier version of dagf."""
    old = None
    for page in range(1, 31):
        comments = call(f"issues/{number}/comments?per_page=100&page={page}")
        for one in comments:
            if one["user"]["login"] != BOT:
                continue
            if one["body"].startswith(MARKER):
                return int(one["id"])
            if old is None and one["body"].startswith(OLD_MARKER):
                old = int(one["id"])
        if len(comments) < 100:
            break
    return old


def post(number: int, body: str) -> None:
    """Replace the comment of an earlier plan, or add the first one."""
    comment = find_comment(number)
    if comment is None:
        call(f"issues/{number}/comments", "POST", {"body": body})
    else:
        call(f"issues/comments/{comment}", "PATCH", {"body": body})


def main() -> None:
    """Post the plan of the run that GitHub's event names."""
    run = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))["workflow_run"]
    numbers = find_pull_requests(run)
    if not numbers:
        print("No open pull request has this commit as its last one. A later run posts the plan.")
    for number in numbers:
        text = read_plan(run, number)
        if not text and len(numbers) > 1:
            continue  # the run belongs to another pull request of the same branch
        if text:
            body = safe_comment(text)
        else:
            problem = "**There is no plan for this commit.** The check failed before it, or the plan is too large."
            body = f"{MARKER}\n{problem} [The log]({run['html_url']}) has the reason.\n"
        post(number, body)
        print(f"Posted the plan of pull request {number}.")


if __name__ == "__main__":
    main()
