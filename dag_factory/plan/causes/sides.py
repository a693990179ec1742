"""The two sides of a comparison as causes need them: resolved pipelines, and the edits of each file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dag_factory.config import budget
from dag_factory.config.ids import DagId
from dag_factory.config.pipelines import compile_file
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline, resolve_pipeline
from dag_factory.config.platform.tables import Tables
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import id_of
from dag_factory.config.storage import read_file
from dag_factory.config.templates.catalog import FOLDER
from dag_factory.config.tree import MapNode, Node, map_node
from dag_factory.plan.causes.edits import NO_EDITS, Edits, compare_texts, compare_trees


class Side:
    """One revision in one environment; ``project`` is None if it does not have the environment."""

    def __init__(self, project: Project | None) -> None:
        self.project = project
        self._resolved: dict[DagId, ResolvedPipeline | None] = {}

    @property
    def tables(self) -> Tables | None:
        """The tables of the environment."""
        return self.project.tables if self.project else None

    @property
    def documents(self) -> dict[str, MapNode]:
        """The trees of the tables by name."""
        return self.project.tables.documents if self.project else {}

    def bytes(self, file: str) -> bytes | None:
        """The bytes of a pipeline's file; None if it cannot be read."""
        data = read_file.read(self.project.home, id_of(file)).data if self.project else None
        return data if isinstance(data, bytes) else None

    def template(self, file: str) -> str:
        """The text of a template of the project; empty if there is none."""
        data = self.project.platform.read(file) if self.project else None
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""

    def resolve(self, dag_id: DagId, file: str) -> ResolvedPipeline | None:
        """The pipeline after all layers are merged; None if this side does not have it, or has errors."""
        if dag_id not in self._resolved:
            self._resolved[dag_id] = self._resolve(dag_id, file)
        return self._resolved[dag_id]

    def _resolve(self, dag_id: DagId, file: str) -> ResolvedPipeline | None:
        data = self.bytes(file)
        if data is None or self.project is None:
            return None
        budget.reset()
        source = compile_file.read_source(id_of(file), file, data)
        if source.node is None or dag_id not in source.ids:
            return None
        return resolve_pipeline(source, self.project.tables, dag_id)[1]


class Sides:
    """Both sides in one environment, or in two environments of the same files, and the edits between them."""

    def __init__(self, before: Side, after: Side) -> None:
        self.before, self.after = before, after
        self._own: dict[tuple[str, str], tuple[Edits, Edits]] = {}
        self._templates: dict[str, tuple[Edits, Edits]] = {}

    @cached_property
    def tables(self) -> dict[str, tuple[Edits, Edits]]:
        """The edits of each table that differs, by its name, before and after."""
        old, new = self.before.documents, self.after.documents
        found = {file: compare_trees(old.get(file), new.get(file)) for file in {**old, **new}}
        return {file: edits for file, edits in found.items() if edits != (NO_EDITS, NO_EDITS)}

    @cached_property
    def edited_templates(self) -> frozenset[str]:
        """The files of the templates that differ."""
        names = {
            file
            for side in (self.before, self.after)
            if side.project
            for file in side.project.platform.names
            if file.startswith(f"{FOLDER}/")
        }
        return frozenset(name for name in names if self.before.template(name) != self.after.template(name))

    def are_environments(self) -> bool:
        """Whether two environments are compared, instead of two revisions."""
        one, other = self.before.project, self.after.project
        return bool(one and other and one.environment != other.environment)

    def edits(self, file: str, own_files: tuple[str, str]) -> tuple[Edits, Edits]:
        """The edits of a file on both sides. ``own_files`` are the files of the pipeline before and after."""
        if file in own_files:
            return self.own(own_files)
        if file in self.tables:
            return self.tables[file]
        return self.template(file) if file.endswith(".j2") else (NO_EDITS, NO_EDITS)

    def template(self, file: str) -> tuple[Edits, Edits]:
        """The edits of a template on both sides."""
        if file not in self._templates:
            self._templates[file] = compare_texts(self.before.template(file), self.after.template(file), file)
        return self._templates[file]

    def own(self, files: tuple[str, str]) -> tuple[Edits, Edits]:
        """The edits of the file of a pipeline, which may have another name before."""
        if files not in self._own:
            old, new = self._document(self.before, files[0]), self._document(self.after, files[1])
            self._own[files] = compare_trees(old, new)
        return self._own[files]

    def _document(self, side: Side, file: str) -> Node | None:
        data = side.bytes(file)
        node = compile_file.read_source(id_of(file), file, data).node if data is not None else None
        if node is None or not self.are_environments() or side.project is None:
            return node
        return _only_environment(node, side.project.environment)

    def all_tables(self, side: int) -> Iterator[tuple[str, Edits]]:
        """Yield the edits of each table on one side."""
        for file, edits in self.tables.items():
            yield file, edits[side]


def _only_environment(node: MapNode, environment: str) -> MapNode:
    """The values of a file for one environment: only these differ between environments."""
    overlays = node.map("environments")
    own = {name: item for name, item in overlays.entries.items() if name == environment}
    inner = map_node(dict(own), overlays.keys, overlays.position)
    return map_node({"environments": inner}, node.keys, node.position)
