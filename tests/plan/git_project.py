"""Projects in real git repositories."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

FLAVORS = """\
version: 1
flavors:
  small: {cpu: 1, memory: 1Gi}
  large: {cpu: 8, memory: 32Gi}
"""
PIPELINE = """\
version: 1
defaults: {docker_image: "acme/image:1", resource_flavor: small}
jobs:
  load: {args: [load]}
  report: {args: [report], depends_on: [load]}
"""
PROJECT = {
    "configs/platform/flavors.yaml": FLAVORS,
    "configs/platform/environments/prod.yaml": "version: 1\n",
    "configs/pipelines/sales/orders.yaml": PIPELINE,
}


@dataclass(frozen=True)
class GitProject:
    """A repository with a project in ``folder``."""

    top: Path
    folder: str = ""

    @property
    def home(self) -> Path:
        return self.top / self.folder

    def git(self, *arguments: str) -> str:
        """The output of git, which does not read the configuration of this machine."""
        settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always"]
        command = ["git", "-C", str(self.top), *identity, *arguments]
        done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, files: dict[str, str | bytes | None]) -> GitProject:
        """Write files by their paths in the project; None deletes a file."""
        for name, text in files.items():
            path = self.home / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return self

    def commit(self, files: dict[str, str | bytes | None] | None = None, message: str = "A change") -> str:
        """Write files and commit everything. Return the id of the commit."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def new_project(top: Path, folder: str = "", files: dict[str, str | bytes | None] | None = None) -> GitProject:
    """A repository whose branch ``main`` has one commit: the project."""
    top.mkdir(parents=True, exist_ok=True)
    project = GitProject(top, folder)
    project.git("init", "--quiet", "--initial-branch=main")
    project.commit({**PROJECT, **(files or {})}, "The project")
    return project
