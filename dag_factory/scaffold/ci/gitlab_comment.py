"""Post the plan of a merge request as one note on GitLab, which later plans replace.

``dag_factory.scaffold.ci.workflows`` copies this module into a pipeline, so it needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from dag_factory.scaffold.ci.safe_comment import MARKER, OLD_MARKER, safe_comment

LARGEST = 1_000_000  # bytes
HINTS = {
    401: "DAGF_GITLAB_TOKEN is wrong or has expired; create a new project access token",
    403: "the token of DAGF_GITLAB_TOKEN needs the scope `api` and at least the role Reporter",
    404: "DAGF_GITLAB_TOKEN must be a token of this project with at least the role Reporter",
}


def call(path: str, method: str = "GET", body: object = None) -> Any:
    """Call GitLab's API and return the JSON of its answer."""
    headers = {"PRIVATE-TOKEN": os.environ["DAGF_GITLAB_TOKEN"], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    url = f"{os.environ['CI_API_V4_URL']}/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
        return json.load(answer)


def find_note(notes: str) -> int | None:
    """Return the note of an earlier plan of this project, or else one of an earlier version of dagf."""
    me = call("user")["id"]
    old = None
    for page in range(1, 31):
        found = call(f"{notes}?per_page=100&page={page}")
        for one in found:
            if one["author"]["id"] != me:
                continue
            if one["body"].startswith(MARKER):
                return int(one["id"])
            if old is None and one["body"].startswith(OLD_MARKER):
                old = int(one["id"])
        if len(found) < 100:
            break
    return old


def main() -> None:
    """Post the file ``plan.md``."""
    file = Path("plan.md")
    if file.is_file() and 0 < file.stat().st_size <= LARGEST:
        body = safe_comment(file.read_text("utf-8", "replace"))
    else:
        body = f"{MARKER}\n**There is no plan for this commit.** The log of the pipeline has the reason.\n"
    project, number = int(os.environ["CI_PROJECT_ID"]), int(os.environ["CI_MERGE_REQUEST_IID"])
    notes = f"projects/{project}/merge_requests/{number}/notes"
    note = find_note(notes)
    if note is None:
        call(notes, "POST", {"body": body})
    else:
        call(f"{notes}/{note}", "PUT", {"body": body})


if __name__ == "__main__":
    try:
        main()
    except urllib.error.HTTPError as answer:
        hint = HINTS.get(answer.code, "run this job again later")
        sys.exit(f"The plan was not posted: GitLab answered {answer.code}; {hint}.")
