"""The texts of workflow files for GitHub and GitLab."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Literal

import msgspec

from dag_factory.scaffold.ci.marker import comment_marker
from dag_factory.scaffold.render import render

Host = Literal["github", "gitlab"]
Deploy = Literal["git-bundle", "sync", "image", "none"]

_FOLDER = Path(__file__).parent
# Full commits, because a tag can be moved to other code.
_ACTIONS = {
    "checkout": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    "setup_python": "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0",
    "upload_artifact": "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
}
_OWN_IMPORT = re.compile(r"^from (?:__future__|dag_factory)\b.*\n", re.MULTILINE)


class Choices(msgspec.Struct, frozen=True):
    """``install`` is what `pip install` gets. ``home`` is the project's folder in the repository; empty for its root.

    ``tests`` is a shell command; empty for none.
    """

    install: str
    deploy: Deploy = "git-bundle"
    branch: str = "main"
    tests: str = ""
    home: str = ""


def workflow_files(host: Host, choices: Choices) -> dict[str, str]:
    """The text of each file, by its path in the repository."""
    if host == "gitlab":
        return {".gitlab-ci.yml": _render("gitlab.yml.j2", choices, _script("gitlab_comment", choices.home))}
    return {
        ".github/workflows/dagf.yml": _render("github.yml.j2", choices),
        ".github/workflows/dagf-comment.yml": _render(
            "github-comment.yml.j2", choices, _script("github_comment", choices.home)
        ),
    }


def _render(template: str, choices: Choices, script: str = "") -> str:
    values = msgspec.structs.asdict(choices)
    name = f"Pipelines of {choices.home}" if choices.home else "Pipelines"
    return render(_FOLDER / "templates", template, **values, **_ACTIONS, name=name, script=script)


def _script(name: str, home: str) -> str:
    """The program that posts the plan of one project, in one text."""
    sources = [_without_docstring((_FOLDER / f"{module}.py").read_text("utf-8")) for module in ("safe_comment", name)]
    program = "\n\n\n".join(_OWN_IMPORT.sub("", source).strip("\n") for source in sources)
    program = program.replace(comment_marker(""), comment_marker(home))
    return f"from __future__ import annotations\n\n{program}"


def _without_docstring(source: str) -> str:
    """The module without its first text, which is about this package."""
    first = ast.parse(source).body[0]
    return "".join(source.splitlines(keepends=True)[first.end_lineno or 0 :])
