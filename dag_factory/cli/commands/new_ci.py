"""``dagf new ci``: write workflow files for GitHub or GitLab."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import cast

from dag_factory.cli import terminal
from dag_factory.cli.code_hosts import repository_folder, repository_root
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.scaffold.ci.next_steps import next_steps
from dag_factory.scaffold.ci.workflows import Choices, Deploy, Host, workflow_files
from dag_factory.scaffold.new_files import NotWritten, existing_files, write_new_files


def new_ci(host: str, deploy: str, branch: str, install: str | None, tests: str, home: Path | None) -> int:
    """Write the files into the root of the repository. Writes nothing if one of them exists."""
    project = find_home(home).resolve()
    if not (project / "configs").is_dir():
        raise CouldNotRun(f"no configs/ folder in {project}; name the project with --home")
    files = ci_files(project, cast("Host", host), cast("Deploy", deploy), branch, install, tests)
    root = repository_root(project)
    existing = existing_files(root, files)
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        raise CouldNotRun(f"{' and '.join(existing)} {verb} already; nothing was written. Move or delete them first")
    try:
        write_new_files(root, files)
    except NotWritten as failure:
        raise CouldNotRun(str(failure)) from failure
    for name in files:
        terminal.write(f"Wrote {name}")
    terminal.write("\nNext steps:")
    choices = _choices(project, cast("Deploy", deploy), branch, install, tests)
    for number, step in enumerate(next_steps(cast("Host", host), choices), 1):
        terminal.write(f"{number}. {step}")
    return 0


def ci_files(project: Path, host: Host, deploy: Deploy, branch: str, install: str | None, tests: str) -> dict[str, str]:
    """The text of each file, by its path in the repository of ``project``."""
    choices = _choices(project, deploy, branch, install, tests)
    for value in (choices.install, branch, tests, choices.home):
        if "${{" in value or not value.isprintable():
            raise CouldNotRun(
                f"{value!r} would be an expression of the workflow; remove `${{{{` and control characters"
            )
    return workflow_files(host, choices)


def _choices(project: Path, deploy: Deploy, branch: str, install: str | None, tests: str) -> Choices:
    home = repository_folder(project).rstrip("/")
    return Choices(install=install or _installed_from(), deploy=deploy, branch=branch, tests=tests, home=home)


def _installed_from() -> str:
    """The git URL and commit that this version was installed from. Raises ``CouldNotRun`` if it is unknown."""
    text = importlib.metadata.distribution("dagwright").read_text("direct_url.json")
    source = json.loads(text) if text else {}
    if "vcs_info" in source:
        return f"dagwright @ {source['vcs_info']['vcs']}+{source['url']}@{source['vcs_info']['commit_id']}"
    raise CouldNotRun(
        "dagwright is not on a package index yet, so CI must know where to install it from. Use --install, for example "
        "--install 'dagwright @ git+https://git.example.com/tools/dagwright@COMMIT', or --install . in its own checkout"
    )
