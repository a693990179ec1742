"""Changes of the jobs of a pipeline, as operations on its file: what the canvas of an editor does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dag_factory.config.positions import KeyPath
from dag_factory.edits.document import Document, ListSyntax, MapSyntax, ScalarSyntax
from dag_factory.edits.operations import (
    AddItem,
    AddKey,
    CopyKey,
    Operation,
    Refused,
    RemoveItem,
    RemoveKey,
    RenameKey,
    SetValue,
)
from dag_factory.edits.references import (
    RenameOutput,
    find_output_calls,
    find_overlays,
    find_references,
    job_names,
    require_literal,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")


def add_job(document: Document, job: str, keys: Mapping[str, Any]) -> Iterator[Operation]:
    """Add a job behind the others."""
    _require_new(document, job)
    if document.entry(("jobs",)):
        yield AddKey(("jobs",), job, dict(keys), levels=1)
    else:
        yield AddKey((), "jobs", {job: dict(keys)}, levels=2)


def copy_job(document: Document, job: str, to: str) -> Iterator[Operation]:
    """Add a copy of a job behind it. Other jobs do not depend on the copy."""
    _require(document, job)
    _require_new(document, to)
    yield CopyKey(("jobs", job), to)


def remove_job(document: Document, job: str) -> Iterator[Operation]:
    """Remove a job, the dependencies on it, and what environments change in it.

    Refused if a job uses its output, is its teardown, or runs for each item of it.
    """
    _require(document, job)
    require_literal(document, job)
    for call in find_output_calls(document):
        if job in call.jobs and call.path[:2] != ("jobs", job):
            raise Refused(f"{_user(call.path)} uses `output('{job}')`")
    removed: dict[KeyPath, list[KeyPath]] = {}
    for reference in find_references(document):
        own = reference.path[:2] == ("jobs", job) or reference.path[2:4] == ("jobs", job)
        if reference.job != job or own:
            continue
        if "depends_on" not in reference.path:
            raise Refused(f"{_user(reference.path)} needs it: `{'.'.join(map(str, reference.path[-2:]))}: {job}`")
        removed.setdefault(reference.path[:-1], []).append(reference.path)
    yield RemoveKey(("jobs", job))
    for path in find_overlays(document, job):
        yield _without(document, path)
    for path, items in removed.items():
        yield from _without_items(document, path, items)


def rename_job(document: Document, job: str, to: str) -> Iterator[Operation]:
    """Give a job another name, also where the file refers to it or to cells of its matrix.

    Refused if a reference is computed. Airflow regards the renamed job as a new one, without the history of the old.
    """
    _require(document, job)
    _require_new(document, to)
    require_literal(document, job)
    names = {job: to, **_cells(document, job, to)}
    yield RenameKey(("jobs", job), to)
    for path in find_overlays(document, job):
        yield RenameKey(path, to)
    for reference in find_references(document):
        if reference.job in names:
            yield SetValue(reference.path, names[reference.job])
    for call in find_output_calls(document):
        for old in dict.fromkeys(call.jobs):
            if old in names:
                yield RenameOutput(call.path, old, names[old])


def connect(document: Document, job: str, upstream: str) -> Iterator[Operation]:
    """Make a job depend on another one. Refused if they would depend on each other."""
    _require(document, job)
    _require(document, upstream)
    path: KeyPath = ("jobs", job, "depends_on")
    if any(reference.job == upstream and reference.path[:3] == path for reference in find_references(document)):
        raise Refused(f"`{job}` depends on `{upstream}` already")
    if job == upstream:
        raise Refused("a job cannot depend on itself")
    cycle = _path_between(document, upstream, job)
    if cycle:
        raise Refused("the jobs would depend on each other in a cycle: " + " -> ".join((*cycle, cycle[0])))
    entry = document.entry(path)
    if entry is None:
        yield AddKey(path[:-1], "depends_on", [upstream], after=_before_dependencies(document, job))
    else:
        yield AddItem(path, upstream)


def disconnect(document: Document, job: str, upstream: str) -> Iterator[Operation]:
    """Remove the dependency of a job on another one."""
    _require(document, job)
    path: KeyPath = ("jobs", job, "depends_on")
    items = [one.path for one in find_references(document) if one.job == upstream and one.path[:3] == path]
    if not items:
        raise Refused(f"`{job}` does not depend on `{upstream}` by its own `depends_on`")
    yield from _without_items(document, path, items)


def _without_items(document: Document, path: KeyPath, items: list[KeyPath]) -> Iterator[Operation]:
    """Remove items of a list; the key, too, if nothing else is in the list."""
    node = document.at(path)
    if isinstance(node, ListSyntax) and len(node.items) > len(items):
        yield from map(RemoveItem, items)
    else:
        yield _without(document, path)


def _without(document: Document, path: KeyPath) -> Operation:
    """Remove a key, and the maps around it that it leaves empty, except a job."""
    while len(path) > 1 and not (path[0] == "jobs" and len(path) == 3):
        parent = document.at(path[:-1])
        if not isinstance(parent, MapSyntax) or len(parent.entries) > 1:
            break
        path = path[:-1]
    return RemoveKey(path)


def _require(document: Document, job: str) -> None:
    if job not in job_names(document):
        raise Refused(f"the file has no job `{job}`")


def _require_new(document: Document, job: str) -> None:
    if not _NAME.fullmatch(job):
        raise Refused("use at most 200 letters, digits, `_` and `-`, beginning with a letter or digit")
    if job in job_names(document):
        raise Refused(f"the file has a job `{job}` already")


def _user(path: KeyPath) -> str:
    job = path[1] if path[0] == "jobs" else path[3] if path[2:3] == ("jobs",) else None
    return f"the job `{job}`" if job else f"`{path[0]}`"


def _cells(document: Document, job: str, to: str) -> dict[str, str]:
    """The new names of the cells of a job's matrix that the file refers to."""
    matrix = document.at(("jobs", job, "matrix"))
    if not isinstance(matrix, MapSyntax) or any(entry.key.value == "name" for entry in matrix.entries):
        return {}
    named = {reference.job for reference in find_references(document)}
    named.update(name for call in find_output_calls(document) for name in call.jobs)
    jobs = job_names(document)
    return {name: to + name[len(job) :] for name in named if name.startswith(f"{job}-") and name not in jobs}


def _path_between(document: Document, start: str, end: str) -> list[str] | None:
    """The jobs from ``start`` through its dependencies to ``end``; None if it does not depend on it."""
    depends: dict[str, list[str]] = {}
    for reference in find_references(document):
        if reference.path[0] == "jobs" and "teardown" not in reference.path:
            depends.setdefault(str(reference.path[1]), []).append(reference.job)
    found: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        job = waiting.pop()
        if job == end:
            way = [job]
            while (after := found[way[-1]]) is not None:
                way.append(after)
            return way[::-1]
        for upstream in depends.get(job, ()):
            if upstream not in found:
                found[upstream] = job
                waiting.append(upstream)
    return None


def _before_dependencies(document: Document, job: str) -> str | None:
    """The key of a job behind which `depends_on` is added: its description, otherwise none."""
    node = document.at(("jobs", job))
    keys = [entry.key for entry in node.entries] if isinstance(node, MapSyntax) else []
    texts: list[ScalarSyntax] = [key for key in keys if key.value == "doc"]
    return texts[0].value if texts else None
