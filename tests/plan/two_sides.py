"""Two small projects as the two sides of a plan, compiled and compared job by job."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

from dag_factory.config import Pipeline, open_project
from dag_factory.config.ids import DagId
from dag_factory.config.platform.tables import Tables
from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Comparison, DagChange, FieldChange, JobChange, Risk
from dag_factory.plan.risks.find_risks import find_risks

TODAY = date(2026, 3, 10)
FLAVORS = """\
version: 1
flavors:
  small: {cpu: 1, memory: 1Gi, cost_per_hour: 0.1}
  large: {cpu: 8, memory: 32Gi, cost_per_hour: 2}
  free: {cpu: 1, memory: 1Gi}
"""
HEAD = 'version: 1\ndefaults: {docker_image: "acme/image:1", resource_flavor: small}\n'


@dataclass(frozen=True)
class Side:
    """One side in one environment."""

    pipelines: dict[str, Pipeline]
    tables: Tables


def files(**named: str) -> dict[str, str]:
    """The files of a project with an environment `dev`, by name below ``configs/``; ``__`` in a name means a slash.

    ``flow`` is the text of the pipeline `a.flow` after ``HEAD``; a name without a slash is a table of the platform.
    """
    texts = {"flavors": FLAVORS, "environments__dev": "version: 1\n"}
    for name, text in named.items():
        texts["pipelines__a__flow" if name == "flow" else name] = HEAD + dedent(text) if name == "flow" else text
    return {_path(name.replace("__", "/")): text for name, text in texts.items()}


def _path(name: str) -> str:
    path = name if name.startswith("pipelines/") else f"platform/{name}"
    return path if path.endswith(".j2") else f"{path}.yaml"


def write(project: Mapping[str, str], home: Path) -> None:
    """Write the files of a project below a folder."""
    for name, text in project.items():
        path = home / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def compile_side(project: Mapping[str, str], environment: str) -> Side:
    """Compile a project; there must be no errors."""
    with tempfile.TemporaryDirectory() as folder:
        write(project, Path(folder))
        opened = open_project(Path(folder), environment)
        compiled = opened.compile_all()
        assert not [one for one in compiled.problems if one.severity == "error"], compiled.problems
        return Side({one.id: one for one in compiled.pipelines}, opened.tables)


def comparisons(before: Side, after: Side, environment: str) -> list[Comparison]:
    """Every DAG of two sides."""
    ids = sorted({*before.pipelines, *after.pipelines})
    pairs = [(DagId(one), before.pipelines.get(one), after.pipelines.get(one)) for one in ids]
    return [Comparison(environment, one, getattr(new or old, "file", ""), old, new) for one, old, new in pairs]


def changes(pairs: list[Comparison]) -> list[LocatedChange]:
    """Every difference, with the fields of the models as paths."""
    found = []
    for pair in pairs:
        old, new = pair.before, pair.after
        kind: Any = "changed" if old and new else "added" if new else "removed"
        fields = _fields(old, new) if old and new else ()
        jobs = tuple(_jobs(old, new)) if old and new else ()
        if kind != "changed" or fields or jobs:
            change = DagChange(pair.environment, pair.id, pair.file, kind, None, fields, jobs)
            found.append(LocatedChange(change, pair))
    return found


def risks(before: Mapping[str, str], after: Mapping[str, str], environment: str = "dev") -> list[Risk]:
    """The risks of a change, each side given as the files of a project."""
    old, new = (compile_side(files(**side), environment) for side in (before, after))
    pairs = comparisons(old, new, environment)
    return list(find_risks(pairs, changes(pairs), {environment: (old.tables, new.tables)}, TODAY))


def _fields(old: Any, new: Any) -> tuple[FieldChange, ...]:
    ignored = ("jobs", "resolved", "line", "guards")
    return tuple(
        FieldChange(name, getattr(old, name), getattr(new, name))
        for name in old.__struct_fields__
        if name not in ignored and getattr(old, name) != getattr(new, name)
    )


def _jobs(old: Pipeline, new: Pipeline) -> list[JobChange]:
    before, after = ({job.name: job for job in side.jobs} for side in (old, new))
    found: list[JobChange] = [JobChange(name, "removed") for name in before if name not in after]
    for name, job in after.items():
        if name not in before:
            found.append(JobChange(name, "added"))
        elif fields := _fields(before[name], job):
            found.append(JobChange(name, "changed", fields))
    return found
