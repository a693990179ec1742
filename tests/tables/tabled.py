"""A project with the platform's tables, written as text and compiled."""

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
    """The files below ``configs/`` by name, without ``.yaml``; a short name is a table's."""

    files: dict[str, str] = field(default_factory=dict)

    def having(self, **files: str) -> Project:
        """The project with other files; ``__`` in a name is a slash: ``environments__dev``."""
        named = {name.replace("__", "/"): dedent(text) for name, text in files.items()}
        return replace(self, files={**self.files, **named})

    @contextmanager
    def written(self) -> Iterator[Path]:
        """The project in a folder."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in self.files.items():
                below = name if name.startswith("pipelines/") else f"platform/{name}"
                path = Path(folder) / "configs" / (below if name.endswith(".j2") else f"{below}.yaml")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            yield Path(folder)

    def compiled(self, environment: str = "dev") -> Compiled:
        """Everything that the compiler makes of it."""
        with self.written() as home:
            return open_project(home, environment).compile_all()

    def pipelines(self, environment: str = "dev") -> dict[str, Pipeline]:
        """The pipelines that can be built, whatever is wrong with others."""
        return {pipeline.id: pipeline for pipeline in self.compiled(environment).pipelines}

    def built(self, environment: str = "dev") -> Pipeline:
        """The one pipeline's model; there must be no problem."""
        compiled = self.compiled(environment)
        assert not compiled.problems, compiled.problems
        (pipeline,) = compiled.pipelines
        return pipeline

    def problems(self, environment: str = "dev") -> list[str]:
        """Each problem as ``code file:line:column path``, the file without its folders."""
        found = self.compiled(environment).problems
        return [
            f"{one.code} {Path(one.file).name}{one.place.removeprefix(one.file)} {one.path}".rstrip() for one in found
        ]

    def said(self, environment: str = "dev") -> str:
        """The messages and hints of all problems, a line each."""
        return "\n".join(f"{one.message} -- {one.hint}" for one in self.compiled(environment).problems)

    def surveyed(self) -> list[str]:
        """What ``dagf check`` says of all environments, as ``code file: message``."""
        with self.written() as home:
            return [f"{one.code} {Path(one.file).name}: {one.message}" for one in survey(home).problems]


PLAIN = Project({"flavors": FLAVORS, "environments/dev": "version: 1\n", "pipelines/team/flow": PIPELINE})
"""One pipeline of one job in one environment."""
