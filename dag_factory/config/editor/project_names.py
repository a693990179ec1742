"""The names that a project defines, each with a short description: flavors, pools, environments, templates, jobs.

The schemas say where a name is defined (``x-files``, ``x-defines``) and where one is used (``x-names``), so a new table
needs no change here. Files are only parsed, not validated, so a problem in a file removes no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from dag_factory.config.schema import registry
from dag_factory.config.schema.registry import JSON
from dag_factory.config.source.documents import read_document
from dag_factory.config.source.layout import PIPELINES, list_files, path_of
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.source.yaml_writer import one_line
from dag_factory.config.templates.catalog import Catalog, Kind
from dag_factory.config.templates.template import Template
from dag_factory.config.tree import Node, Scalar, entries_of, text_of

TEMPLATES: dict[str, Kind] = {"job-templates": "jobs", "pipeline-templates": "pipelines"}
"""The groups of template names, and the kind of template of each."""
_BUILT_IN = {"pools": {"default_pool": "Airflow's own pool."}}
_MAX_LENGTH = 200


class ProjectNames(msgspec.Struct, frozen=True):
    """``names``: for each table its names in the order of the file, each with a short description.

    ``templates`` are those that can be called, by group (``job-templates``) and reference. ``unread`` lists
    the files that could not be read.
    """

    names: dict[str, dict[str, str]]
    templates: dict[str, dict[str, Template]]
    unread: tuple[str, ...]


def project_names(home: Path) -> ProjectNames:
    """Every name that the project in ``home`` defines. Never raises for the contents of a file."""
    names: dict[str, dict[str, str]] = {}
    unread: list[str] = []
    for schema in sorted(registry.documents().values(), key=lambda schema: "*" in schema.get("x-files", "")):
        for path in _files(home, schema.get("x-files", "")):  # the table's own file first, then files that add to it
            file = path.relative_to(home).as_posix()
            document, _ = read_document(path, home / "configs", file)
            if document is None:
                unread.append(file)
            if "x-defines" in schema:
                names.setdefault(schema["x-defines"], {})[path.stem] = _about(document)
            for table, name, node in _defined(schema, schema["$id"], document):
                names.setdefault(table, {}).setdefault(name, "" if table == "jobs" else _about(node))
    catalogue = Catalog(PlatformFiles(home))
    templates = {table: _templates(catalogue, table) for table in TEMPLATES}
    for table, found in templates.items():
        names[table] = {name: template.description for name, template in found.items()}
    for table, known in _BUILT_IN.items():
        names[table] = {**names.get(table, {}), **known}
    return ProjectNames({table: found for table, found in sorted(names.items()) if found}, templates, tuple(unread))


def _files(home: Path, pattern: str) -> list[Path]:
    if not pattern:
        return []
    if pattern.startswith(PIPELINES):
        return [path_of(home, file_id) for file_id in list_files(home).ids]
    return sorted(path for path in home.glob(pattern) if not path.name.startswith("."))


def _defined(schema: JSON, base: str, node: Node | None) -> Iterator[tuple[str, str, Node]]:
    """Yield each key of a map that defines names: the table, the name, and its value."""
    schema, base = {**registry.resolve(schema, base)[0], **schema}, registry.resolve(schema, base)[1]
    if "x-defines" in schema and "x-files" not in schema:
        for name, inner in entries_of(node).items():
            yield schema["x-defines"], name, inner
    for key, below in schema.get("properties", {}).items():
        if key in entries_of(node):
            yield from _defined(below, base, entries_of(node)[key])


def _templates(catalogue: Catalog, table: str) -> dict[str, Template]:
    kind = TEMPLATES[table]
    found = ((name, catalogue.find(kind, name)) for name in catalogue.names(kind))
    return {name: template for name, template in found if template is not None}


def _about(node: Node | None) -> str:
    """A short description of an entry: its own description, else its single values, else all of its values."""
    inner = entries_of(node)
    description = text_of(inner.get("description"))
    if description is not None:
        return description
    if node is None or "version" in inner:  # a whole file
        return ""
    short = {key: item for key, item in inner.items() if isinstance(item, Scalar)} or inner
    text = ", ".join(f"{key}: {one_line(item)}" for key, item in short.items()) or one_line(node)
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"
