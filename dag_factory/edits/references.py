"""What in a pipeline file names a job: dependencies, teardowns, lists of items, overlays, and ``output('job')``."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from dag_factory.config.positions import KeyPath
from dag_factory.config.tree import Node, Scalar, replace_at
from dag_factory.config.tree import at as node_at
from dag_factory.edits.document import Document, ListSyntax, MapSyntax, ScalarSyntax, below
from dag_factory.edits.operations import Refused
from dag_factory.edits.text_edit import TextEdit

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_CALL = re.compile(r"(?<![\w.])output\s*\(\s*")
_QUOTE = r"""(\\"|''|"|')"""
_LITERAL = re.compile(rf"(?<![\w.])output\s*\(\s*{_QUOTE}([^'\"\\]*){_QUOTE}")
_NAMES: tuple[KeyPath, ...] = (("depends_on",), ("teardown", "of"), ("for_each", "output"))
"""Where a job names other jobs, as a list or as a single value."""


class Reference(msgspec.Struct, frozen=True):
    """A value that is the name of a job. ``path`` ends with an index if it is an item of a list."""

    path: KeyPath
    job: str


class OutputCall(msgspec.Struct, frozen=True):
    """A text with ``output('job')`` in a template."""

    path: KeyPath
    jobs: tuple[str, ...]
    is_literal: bool
    """Whether each call names its job in quotes."""


class RenameOutput(msgspec.Struct, frozen=True):
    """An operation: ``output('old')`` becomes ``output('to')`` in the templates of a text."""

    path: KeyPath
    old: str
    to: str

    def edits(self, document: Document) -> Iterator[TextEdit]:
        node = document.at(self.path)
        assert isinstance(node, ScalarSyntax)
        for start, end in _literal_names(document.text[node.start : node.end], self.old):
            yield TextEdit(node.start + start, node.start + end, self.to)

    def result(self, tree: Node) -> Node:
        node = node_at(tree, self.path)
        assert isinstance(node, Scalar) and isinstance(node.value, str)
        text = node.value
        for start, end in reversed(list(_literal_names(text, self.old))):
            text = text[:start] + self.to + text[end:]
        return replace_at(tree, self.path, msgspec.structs.replace(node, value=text, text=text))


def job_names(document: Document) -> tuple[str, ...]:
    """The jobs that the file defines itself."""
    jobs = document.at(("jobs",))
    return tuple(entry.key.value for entry in jobs.entries) if isinstance(jobs, MapSyntax) else ()


def find_references(document: Document) -> Iterator[Reference]:
    """All values of the file that are names of jobs."""
    for place in _places_of_jobs(document):
        for keys in _NAMES:
            path = (*place, *keys)
            node = document.at(path)
            if isinstance(node, ScalarSyntax) and node.value:
                yield Reference(path, node.value)
            elif isinstance(node, ListSyntax):
                for index, item in enumerate(node.items):
                    if isinstance(item, ScalarSyntax):
                        yield Reference((*path, index), item.value)


def find_overlays(document: Document, job: str) -> Iterator[KeyPath]:
    """The entries of environments that change a job."""
    environments = document.at(("environments",))
    for entry in environments.entries if isinstance(environments, MapSyntax) else ():
        path = ("environments", entry.key.value, "jobs", job)
        if document.entry(path):
            yield path


def find_output_calls(document: Document) -> Iterator[OutputCall]:
    """All texts with ``output(...)`` in a template."""
    for path, scalar in below(document.root):
        if "output" not in scalar.value:
            continue
        templates = _TEMPLATE.findall(scalar.value)
        calls = sum(len(_CALL.findall(template)) for template in templates)
        jobs = [found[2] for template in templates for found in _LITERAL.finditer(template)]
        if calls:
            yield OutputCall(path, tuple(jobs), is_literal=calls == len(jobs))


def require_literal(document: Document, job: str) -> None:
    """Refuse if a reference of the file is computed, so that it may name the job. Raises ``Refused``."""
    for reference in find_references(document):
        if "${{" in reference.job or "${%" in reference.job:
            raise _computed(document, reference.path, job, f"`{reference.job}`")
    for call in find_output_calls(document):
        if not call.is_literal:
            raise _computed(document, call.path, job, "`output(...)` of a name that is not in quotes")


def _computed(document: Document, path: KeyPath, job: str, what: str) -> Refused:
    node = document.at(path)
    line = document.text.count("\n", 0, node.start) + 1 if node else 0
    return Refused(f"line {line} has {what}, which may name `{job}`; change the text")


def _places_of_jobs(document: Document) -> Iterator[KeyPath]:
    """The paths of the maps that have the keys of a job, and those of groups."""
    yield ("defaults",)
    yield from _children(document, ("jobs",))
    yield from _children(document, ("groups",))
    for environment in _children(document, ("environments",)):
        yield (*environment, "defaults")
        yield from _children(document, (*environment, "jobs"))
        yield from _children(document, (*environment, "groups"))


def _children(document: Document, path: KeyPath) -> Iterator[KeyPath]:
    node = document.at(path)
    for entry in node.entries if isinstance(node, MapSyntax) else ():
        yield (*path, entry.key.value)


def _literal_names(text: str, job: str) -> Iterator[tuple[int, int]]:
    for template in _TEMPLATE.finditer(text):
        for found in _LITERAL.finditer(text, template.start(), template.end()):
            if found[2] == job:
                yield found.span(2)
