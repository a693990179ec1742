"""``dagf init``: write a project that runs on this machine."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dag_factory import settings
from dag_factory.cli import terminal
from dag_factory.cli.code_hosts import repository_folder, repository_root
from dag_factory.cli.commands.new_ci import ci_files
from dag_factory.cli.errors import CouldNotRun
from dag_factory.scaffold.ci.workflows import Host
from dag_factory.scaffold.new_files import NotWritten, existing_files, write_new_files
from dag_factory.scaffold.project.project_files import EXAMPLE, LOADER, PRE_COMMIT, pre_commit_file, project_files

_FOR_EVERY_PROJECT = (*LOADER, ".gitignore")


def init(folder: Path | None, ci: str | None, install: str | None) -> int:
    """Write what is missing of a project in ``folder``, by default the current folder.

    ``ci`` is a host, `none`, or None for the host that git names. Workflows need ``install``, or that dagwright comes
    from a git URL.
    """
    home = (folder or Path.cwd()).resolve()
    _check_folder(home, given=folder is not None)
    below = repository_folder(home)
    root = repository_root(home)
    is_new = not any((home / "configs" / name).exists() for name in ("platform", "pipelines"))
    # A project that exists has its own tables and pipelines.
    wanted = {name: text for name, text in project_files(home.name).items() if is_new or name in _FOR_EVERY_PROJECT}
    files = {below + name: text for name, text in wanted.items()}
    files[PRE_COMMIT] = pre_commit_file(below.rstrip("/"))
    workflows, ci_step = _workflows(home, root, ci, install)
    files |= workflows
    kept = existing_files(root, files)
    missing = {name: text for name, text in files.items() if name not in kept}
    if missing:
        try:
            write_new_files(root, missing)
        except NotWritten as failure:
            raise CouldNotRun(f"{failure}; nothing was written") from failure
        terminal.write(f"Wrote {_count(missing)} into {root}:")
        for name in sorted(missing):
            terminal.write(f"  {name}")
    else:
        terminal.write(f"{home} is a complete project already. Nothing was written.")
    if missing and kept:
        terminal.write(f"\nNot changed, because they exist already: {', '.join(sorted(kept))}")
    if missing:
        terminal.write("\nNext steps:")
        for number, step in enumerate(_steps(home, below, kept, is_new, ci_step), 1):
            terminal.write(f"{number}. {step}")
    return 0


def _check_folder(home: Path, given: bool) -> None:
    if home.exists() and not home.is_dir():
        raise CouldNotRun(f"{home} is not a folder; name a folder, or leave it out for the current one")
    if (home / "configs").exists() and not (home / "configs").is_dir():
        raise CouldNotRun(f"{home / 'configs'} is not a folder; a project keeps its YAML files there. Move it first")
    for parent in home.parents:
        if (parent / "configs" / "platform").is_dir() or (parent / "configs" / "pipelines").is_dir():
            if parent / "configs" in (home, *home.parents):
                raise CouldNotRun(f"{home} is inside the configs/ folder of the project {parent}; name another folder")
            if not given:
                raise CouldNotRun(
                    f"this folder is inside the project {parent}. Run `dagf init {shlex.quote(str(parent))}` to "
                    "complete that project, or `dagf init .` for a project inside it"
                )


def _workflows(home: Path, root: Path, ci: str | None, install: str | None) -> tuple[dict[str, str], str | None]:
    """The workflow files, by their paths in the repository; without them, the step that writes them."""
    if ci == "none":
        return {}, None
    host: Host = "gitlab" if ci == "gitlab" or (ci is None and _on_gitlab(root)) else "github"
    try:
        return ci_files(home, host, "none", "main", install, ""), None
    except CouldNotRun:
        if ci is not None or install is not None:
            raise
        return (
            {},
            f"dagf new ci {host} --install REQUIREMENT   (workflows; REQUIREMENT is what CI installs as dagwright)",
        )


def _on_gitlab(root: Path) -> bool:
    command = ["git", "-C", str(root), "config", "--get", "remote.origin.url"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "gitlab" in found.stdout.rpartition("@")[2].partition("/")[0] or "://gitlab" in found.stdout


def _steps(home: Path, below: str, kept: list[str], is_new: bool, ci_step: str | None) -> Iterator[str]:
    if home != Path.cwd().resolve():
        yield f"cd {shlex.quote(str(home))}"
    project = settings.home()
    if project and project.resolve() != home:
        yield f"unset DAG_FACTORY_HOME   (it names another project, {project})"
    if f"{below}.gitignore" in kept and ".dagf" not in (home / ".gitignore").read_text("utf-8", "replace"):
        yield "Add the line `.dagf/` to .gitignore: it contains runs and caches."
    if is_new:
        yield f"dagf run {EXAMPLE}   (run the example on this machine)"
    yield "dagf check   (find errors; run it after each change)"
    yield "dagf new pipeline   (write your own pipeline)"
    yield "dagf schema   (let your editor complete keys and names)"
    if ci_step:
        yield ci_step


def _count(files: dict[str, str]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"
