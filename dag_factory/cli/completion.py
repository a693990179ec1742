"""The names that a shell completes: those of the project, read without compiling it.

Nothing here raises or prints: a shell shows no errors while somebody types.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

Names = Callable[[click.Context, click.Parameter, str], list[str]]


def _completes(names: Callable[[Path, dict[str, Any]], Iterator[str]]) -> Names:
    """Return what click calls. ``names`` gets the project's folder and the values that are on the line already."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from dag_factory.cli.find_home import find_home

        given = ctx.params.get(param.name or "")
        known = given if isinstance(given, tuple) else ()
        values = dict(ctx.params)
        if not values.get("pipeline") and ctx.args:  # after an option without its value, click reads no arguments
            values["pipeline"] = ctx.args[0]
        with contextlib.suppress(Exception):
            found = dict.fromkeys(names(find_home(ctx.params.get("home")), values))
            return [name for name in found if name.startswith(incomplete) and name not in known]
        return []

    return complete


@_completes
def environments(home: Path, _: dict[str, Any]) -> Iterator[str]:
    """The environments."""
    from dag_factory.config.source import layout

    yield from layout.environments(home)


@_completes
def pipelines(home: Path, _: dict[str, Any]) -> Iterator[str]:
    """The pipelines, by their files. The instances of one file follow its name."""
    from dag_factory.config.source.layout import list_files

    for file_id in list_files(home).ids:
        instances = _keys(_file(home, f"configs/pipelines/{file_id.replace('.', '/')}.yaml"), "instances")
        yield from (f"{file_id}.{name}" for name in instances) if instances else (file_id,)


@_completes
def jobs(home: Path, values: dict[str, Any]) -> Iterator[str]:
    """The jobs of the pipeline that is on the line."""
    from dag_factory.config.ids import DagId
    from dag_factory.config.source.layout import candidate_files, file_exists, file_of

    for file_id in candidate_files(DagId(str(values.get("pipeline")))):
        if file_exists(home, file_id):
            found = _keys(_file(home, file_of(file_id)), "jobs")
            yield from found or _compiled_jobs(home, str(values["pipeline"]), values)
            return


@_completes
def params(home: Path, values: dict[str, Any]) -> Iterator[str]:
    """The params of the pipeline that is on the line, each with an equals sign."""
    from dag_factory.config.ids import DagId
    from dag_factory.config.source.layout import candidate_files, file_exists, file_of

    for file_id in candidate_files(DagId(str(values.get("pipeline")))):
        if file_exists(home, file_id):
            yield from (f"{name}=" for name in _keys(_file(home, file_of(file_id)), "params"))
            return


@_completes
def flavors(home: Path, _: dict[str, Any]) -> Iterator[str]:
    """The flavors, also those that only an environment has."""
    from dag_factory.config.source import layout

    yield from _keys(_file(home, "configs/platform/flavors.yaml"), "flavors")
    for name in layout.environments(home):
        yield from _keys(_file(home, f"{layout.ENVIRONMENTS}/{name}.yaml"), "flavors", "define")


@_completes
def pools(home: Path, _: dict[str, Any]) -> Iterator[str]:
    """The pools of the table of flavors."""
    yield from _keys(_file(home, "configs/platform/flavors.yaml"), "pools")


@_completes
def channels(home: Path, _: dict[str, Any]) -> Iterator[str]:
    """The channels of alerts."""
    yield from _keys(_file(home, "configs/platform/alerts.yaml"), "channels")


def pods(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The pods of the running cluster, in the namespace that is on the line."""
    with contextlib.suppress(Exception):
        from dag_factory.cli.commands.cluster.state import running_folder
        from dag_factory.cluster.client import request_json

        namespace = ctx.params.get("namespace") or "default"
        found = request_json(running_folder(ctx.params.get("state")), f"/api/v1/namespaces/{namespace}/pods")
        names = [str(one["metadata"]["name"]) for one in found["items"]]
        return [name for name in names if name.startswith(incomplete)]
    return []


def _compiled_jobs(home: Path, pipeline: str, values: dict[str, Any]) -> Iterator[str]:
    """The jobs of a pipeline that a template makes."""
    from dag_factory.overview.compiled import compile_pipeline, open_environments

    given = values.get("environment")
    for project in open_environments(home, (given,) if given else ()):
        one = compile_pipeline(project, pipeline)
        if one.pipeline:
            yield from (job.name for job in one.pipeline.jobs)
            return


def _file(home: Path, file: str) -> Any:
    from dag_factory.config.source.documents import read_document

    return read_document(home / file, home / "configs", file)[0]


def _keys(document: Any, *path: str) -> list[str]:
    """The keys of a map in a document; none if there is no map."""
    from dag_factory.config.tree import MapNode, at

    node = at(document, path) if document else None
    return list(node.entries) if isinstance(node, MapNode) else []
