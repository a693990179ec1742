"""``dagf new ci``: write workflow files for GitHub or GitLab."""

from __future__ import annotations

import importlib.metadata
import json
import os
from pathlib import Path
from typing import cast

from dag_factory.cli import terminal
from dag_factory.cli.code_hosts import repository_folder
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.scaffold.ci.next_steps import next_steps
from dag_factory.scaffold.ci.workflows import Choices, Deploy, Host, workflow_files


def new_ci(host: str, deploy: str, branch: str, install: str | None, tests: str, home: Path | None) -> int:
    """Write the files into the root of the repository. Writes nothing if one of them exists."""
    project = find_home(home).resolve()
    if not (project / "configs").is_dir():
        raise CouldNotRun(f"no configs/ folder in {project}; name the project with --home")
    folder = repository_folder(project)
    root = project.parents[folder.count("/") - 1] if folder else project
    choices = Choices(
        install=install or _installed_from(),
        deploy=cast("Deploy", deploy),
        branch=branch,
        tests=tests,
        home=folder.rstrip("/"),
    )
    for value in (choices.install, branch, tests, folder):
        if "${{" in value or not value.isprintable():
            raise CouldNotRun(
                f"{value!r} would be an expression of the workflow; remove `${{{{` and control characters"
            )
    files = workflow_files(cast("Host", host), choices)
    existing = [name for name in files if os.path.lexists(root / name)]
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        raise CouldNotRun(f"{' and '.join(existing)} {verb} already; nothing was written. Move or delete them first")
    written: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                written.append(path)
                stream.write(text)
    except BaseException as failure:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(failure, OSError):
            raise CouldNotRun(f"{failure.filename} cannot be written: {failure.strerror}") from failure
        raise
    for name in files:
        terminal.write(f"Wrote {name}")
    terminal.write("\nNext steps:")
    for number, step in enumerate(next_steps(cast("Host", host), choices), 1):
        terminal.write(f"{number}. {step}")
    return 0


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
