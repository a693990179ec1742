"""A repository with history: a project with two environments, and a branch with a change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FLAVORS = (
    "version: 1\nflavors:\n"
    "  small: {cpu: 1, memory: 2Gi, cost_per_hour: 0.05}\n"
    "  large: {cpu: 8, memory: 16Gi, cost_per_hour: 0.4}\n"
)
CHURN = (
    "version: 1\n"
    "description: Predicts which customers leave.\n"
    'schedule: "0 4 * * *"\n'
    "defaults: {docker_image: registry.example.com/churn:1.0, resource_flavor: small}\n"
    "jobs:\n"
    "  extract: {command: [python, -m, churn.extract]}\n"
    "  train:\n"
    "    depends_on: [extract]\n"
    "    resource_flavor: large\n"
    "    script: |\n"
    "      set -e\n"
    "      python -m churn.train\n"
    "  report: {depends_on: [train], command: [python, -m, churn.report]}\n"
)
GREET = (
    "version: 1\ndescription: Prints a greeting.\ninputs: {}\n---\n"
    'docker_image: registry.example.com/greet:1.0\ncommand: [echo, "hello"]\n'
)
FILES = {
    "platform/flavors.yaml": FLAVORS,
    "platform/environments/dev.yaml": "version: 1\nschedules: manual\ndefaults: {pipeline: {start_date: 2026-01-01}}\n",
    "platform/environments/prod.yaml": (
        "version: 1\nflavors:\n  max: {cpu: 16, memory: 32Gi}\npod_security: baseline\n"
        "defaults: {pipeline: {start_date: 2026-01-01}}\n"
    ),
    "platform/templates/jobs/greet/v1.yaml.j2": GREET,
    "platform/templates/jobs/greet/v2.yaml.j2": GREET.replace("hello", "good morning"),
    "pipelines/growth/churn.yaml": CHURN,
    "pipelines/growth/hello.yaml": "version: 1\ndefaults: {resource_flavor: small}\njobs: {greet: {uses: greet@v1}}\n",
    **{
        f"pipelines/sales/region_{number}.yaml": (
            "version: 1\ndefaults: {docker_image: registry.example.com/sales:3.1, resource_flavor: small}\n"
            "jobs: {load: {command: [load]}, check: {depends_on: [load], command: [check]}}\n"
        )
        for number in range(4)
    },
}


class ChangeProject:
    """A project in a Git repository, on the branch ``change``. ``below`` is its folder in the repository."""

    def __init__(self, top: Path, below: str = "") -> None:
        self.top = top
        self.home = top / below
        top.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for name, text in FILES.items():
            self.write(name, text)
        self.commit("first")
        self.git("checkout", "--quiet", "-b", "change")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        names = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.top, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.home / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.home / "configs" / name).read_text("utf-8")
        assert old in text, f"{name} does not contain {old!r}"
        self.write(name, text.replace(old, new))

    def commit(self, subject: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def plan(self, *options: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``dagf plan`` as a process of its own."""
        env = {name: text for name, text in os.environ.items() if not name.startswith("DAG_FACTORY_")}
        return subprocess.run(
            [Path(sys.executable).parent / "dagf", "plan", *options],
            cwd=cwd or self.home,
            env={**env, "DAG_FACTORY_CACHE": "off", **environment},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
