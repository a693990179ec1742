"""Projects written as text and compiled: what the tests of the compiler speak in."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from dag_factory.config import Compiled, Pipeline, Problem, open_project
from dag_factory.config.model import Job
from dag_factory.config.project.survey import Survey, survey

FLAVORS = "version: 1\npools: {gpu: 2}\nflavors: {small: {cpu: 1, memory: 1Gi}, large: {cpu: 8, memory: 32Gi}}\n"
ENVIRONMENT = "version: 1\nvars: {registry: acme, release: 1.0.0}\npod_security: privileged\n"
HEAD = "version: 1\ndefaults: {docker_image: image, resource_flavor: small}\n"


@dataclass(frozen=True)
class Written:
    """A project: one pipeline's text, and whatever else differs from the smallest one there is.

    ``head`` stands before ``pipeline``, on lines that the places in problems do not count.
    """

    pipeline: str = ""
    head: str = HEAD
    flavors: str = FLAVORS
    environments: dict[str, str] = field(default_factory=lambda: {"dev": ENVIRONMENT})
    name: str = "team/flow"
    files: dict[str, str] = field(default_factory=dict)  # whatever else lies below configs/

    def into(self, home: Path) -> Path:
        """Write the project below ``home``."""
        files = {
            "platform/flavors.yaml": self.flavors,
            **{f"platform/environments/{name}.yaml": text for name, text in self.environments.items()},
            **self.files,
            f"pipelines/{self.name}.yaml": self.head + dedent(self.pipeline).lstrip("\n"),
        }
        for name, text in files.items():
            path = home / "configs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), "utf-8")
        return home

    def compiled(self, environment: str = "dev") -> Compiled:
        """Everything that the compiler makes of it."""
        with tempfile.TemporaryDirectory() as home:
            return open_project(self.into(Path(home)), environment).compile_all()

    def surveyed(self) -> Survey:
        """What ``dagf check`` sees, in all environments."""
        with tempfile.TemporaryDirectory() as home:
            return survey(self.into(Path(home)))

    def problems(self, environment: str = "dev") -> list[str]:
        """Each problem as ``code line:column path``, the file before it where it is not the pipeline's."""
        return [self._short(problem) for problem in self.compiled(environment).problems]

    def said(self, environment: str = "dev") -> str:
        """The messages and hints of all problems, a line each."""
        found = self.compiled(environment).problems
        return "\n".join(f"{problem.message} -- {problem.hint}" for problem in found)

    def built(self, environment: str = "dev") -> Pipeline:
        """The pipeline's model; there must be no problem."""
        compiled = self.compiled(environment)
        assert not compiled.problems, compiled.problems
        return compiled.pipelines[0]

    def _short(self, problem: Problem) -> str:
        line = problem.line - self.head.count("\n") if problem.line else 0
        name = Path(problem.file).name
        place = (
            f"{line}:{problem.column}"
            if name == f"{Path(self.name).name}.yaml"
            else (f"{name}:{problem.line}:{problem.column}")
        )
        return f"{problem.code} {place} {problem.path}".rstrip()


def problems(pipeline: str, **other: str) -> list[str]:
    """The problems of one pipeline's text below the head: ``code line:column path``."""
    return Written(pipeline, **other).problems()


def said(pipeline: str, **other: str) -> str:
    """What the problems of one pipeline's text say."""
    return Written(pipeline, **other).said()


def built(pipeline: str, **other: str) -> Pipeline:
    """The model of one pipeline's text below the head."""
    return Written(pipeline, **other).built()


def job(pipeline: str, **other: str) -> Job:
    """The model of the last job of a pipeline's text."""
    return built(pipeline, **other).jobs[-1]
