"""Projects with platform tables, written as text and compiled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent

from dag_factory.config import Compiled, Pipeline, open_project
from dag_factory.config.project.survey import survey

FLAVORS = """\
version: 1
pools: {gpu: 2}
flavors:
  small: {cpu: 1, memory: 1Gi, cost_per_hour: 0.1, next: large}
  large: {cpu: 8, memory: 32Gi}
  card: {cpu: 4, memory: 16Gi, gpu: 1}
"""
PIPELINE = """\
version: 1
defaults: {docker_image: "acme/image:1", resource_flavor: small}
"""


@dataclass(frozen=True)
class Project:
    """The files below ``configs/`` by name, without ``.yaml``; a name without a slash is a table of the platform."""

    files: dict[str, str] = field(default_factory=dict)

    def with_files(self, **files: str) -> Project:
        """The project with more files; ``__`` in a name means a slash: ``environments__dev``."""
        named = {name.replace("__", "/"): dedent(text) for name, text in files.items()}
        return replace(self, files={**self.files, **named})

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """The project in a temporary folder."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in self.files.items():
                below = name if name.startswith("pipelines/") else f"platform/{name}"
                path = Path(folder) / "configs" / (below if name.endswith(".j2") else f"{below}.yaml")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            yield Path(folder)

    def compile(self, environment: str = "dev") -> Compiled:
        """The result of the compiler."""
        with self.on_disk() as home:
            return open_project(home, environment).compile_all()

    def pipelines(self, environment: str = "dev") -> dict[str, Pipeline]:
        """The pipelines without errors, by id."""
        return {pipeline.id: pipeline for pipeline in self.compile(environment).pipelines}

    def pipeline(self, environment: str = "dev") -> Pipeline:
        """The model of the only pipeline; there must be no problems."""
        compiled = self.compile(environment)
        assert not compiled.problems, compiled.problems
        (pipeline,) = compiled.pipelines
        return pipeline

    def problems(self, environment: str = "dev") -> list[str]:
        """Each problem as ``code file:line:column path``; the file is without its folders."""
        found = self.compile(environment).problems
        return [
            f"{one.code} {Path(one.file).name}{one.location.removeprefix(one.file)} {one.path}".rstrip()
            for one in found
        ]

    def messages(self, environment: str = "dev") -> str:
        """The message and hint of each problem, one problem a line."""
        return "\n".join(f"{one.message} -- {one.hint}" for one in self.compile(environment).problems)

    def check_messages(self) -> list[str]:
        """The problems that ``dagf check`` reports for all environments, as ``code file: message``."""
        with self.on_disk() as home:
            return [f"{one.code} {Path(one.file).name}: {one.message}" for one in survey(home).problems]


MINIMAL = Project({"flavors": FLAVORS, "environments/dev": "version: 1\n", "pipelines/team/flow": PIPELINE})
"""One environment, and one pipeline without jobs of its own."""
