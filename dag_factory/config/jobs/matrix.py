"""The ``matrix`` of a job: one job for each cell of a product of lists, made when the file is read.

The keys work as in CI systems: every axis is a list, ``exclude`` removes cells, and ``include`` adds values to the
cells that it matches, or a new cell if it matches none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingT
from typing import Any

import msgspec

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.expressions.data import dns, to_text
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.validate import validate
from dag_factory.config.source import documents
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.tree import MapNode, Node, Scalar, entries_of, is_set, items_of, text_of, without
from dag_factory.settings import BOUNDS

_SCHEMA, _MATRIX, _NAME = "job.schema.json", "/$defs/matrix", "/$defs/job_name"
_MAX_NAME = 200  # characters of a job's name, as in the schema
_OPTIONS = ("include", "exclude", "name")

Values = dict[str, Any]


class Cell(msgspec.Struct, frozen=True):
    """One job of a matrix: its name, and the values of ``${{ matrix.… }}``."""

    name: str
    values: Values = {}


def make_cells(job: str, node: MapNode, context: Context, path: KeyPath) -> tuple[list[Cell], list[Problem]]:
    """The cells of a job's matrix in order, those of ``include`` last, and the problems of the matrix.

    ``node`` is the matrix, ``path`` its path in the document. A matrix with errors may have no cells.
    """
    context = {**context, "job": {"name": job}}
    name_node = node.get("name")
    computed, problems = documents.compute(without(node, "name"), context, _SCHEMA, _MATRIX, path)
    if problems:
        return [], problems
    axes = {key: _values(item) for key, item in computed.entries.items() if key not in _OPTIONS and is_set(item)}
    count = math.prod(len(values) for values in axes.values()) + len(computed.list("include"))
    if count > BOUNDS.cells:
        message = f"the matrix has {count:,} cells; at most {BOUNDS.cells:,} are allowed"
        hint = "make it smaller, or use `for_each` to run over a list"
        return [], [Problem.at(node.position, path, "too-many-cells", message, hint)]
    found = [dict(zip(axes, combination, strict=True)) for combination in itertools.product(*axes.values())]
    found = found if axes else []
    problems += _remove_excluded(found, axes, computed.get("exclude"), (*path, "exclude"))
    _add_included(found, axes, computed.get("include"))
    if not found and not problems:
        hint = "add an axis such as `country: [DE, FR]`"
        problems.append(Problem.at(node.position, path, "empty-matrix", f"the matrix of `{job}` has no cells", hint))
    names = _Names(job, name_node if is_set(name_node) else None, tuple(axes), context, node.position, path)
    named, name_problems = _name_cells(found, names)
    return named, [*problems, *name_problems]


class _Names(msgspec.Struct, frozen=True):
    """How the cells of a matrix get their names: from ``expression``, or from the job and the values of ``axes``."""

    job: str
    expression: Node | None
    axes: tuple[str, ...]
    context: Context
    position: Position
    path: KeyPath


def _values(node: Node | None) -> list[Any]:
    return [_value(item) for item in items_of(node)]


def _value(node: Node) -> Any:
    """A value. A number whose text would change (``3.10``) is text: it is probably a version."""
    assert isinstance(node, Scalar)
    return node.text if isinstance(node.value, float) and str(node.value) != node.text else node.value


def _fits(values: MappingT[str, Any], wanted: MappingT[str, Any]) -> bool:
    return all(key in values and _are_equal(values[key], value) for key, value in wanted.items())


def _are_equal(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _remove_excluded(
    found: list[Values], axes: MappingT[str, Any], node: Node | None, path: KeyPath
) -> Iterator[Problem]:
    """Remove the cells that match an entry; return the problems of the entries."""
    for index, item in enumerate(items_of(node)):
        wanted = {key: _value(value) for key, value in entries_of(item).items() if is_set(value)}
        place = (*path, index)
        unknown = next((key for key in wanted if key not in axes), None)
        left = [values for values in found if not _fits(values, wanted)]
        if unknown is not None:
            position = item.keys[unknown] if isinstance(item, MapNode) else item.position
            message, hint = f"the matrix has no axis `{unknown}`", did_you_mean(unknown, axes)
            yield Problem.at(position, (*place, unknown), "unknown-axis", message, hint)
        elif len(left) == len(found):
            hint = "remove this entry, or correct its values"
            yield Problem.at(
                item.position, place, "excludes-nothing", "no cell of the matrix has these values", hint, "warning"
            )
        found[:] = left


def _add_included(found: list[Values], axes: MappingT[str, Any], node: Node | None) -> None:
    """Add the values of each entry to the cells of the product that it matches, or else the entry as a new cell."""
    product = list(found)
    for item in items_of(node):
        values = {key: _value(value) for key, value in entries_of(item).items() if is_set(value)}
        of_axes = {key: value for key, value in values.items() if key in axes}
        fitting = [cell for cell in product if _fits(cell, of_axes)]
        for cell in fitting:
            cell.update(values)
        if not fitting:
            found.append(values)


def _name_cells(found: list[Values], names: _Names) -> tuple[list[Cell], list[Problem]]:
    """The cells with their names, without those whose name has an error."""
    cells: dict[str, Cell] = {}
    problems: list[Problem] = []
    for values in found:
        name, errors = _name(values, names)
        problems += errors
        if errors and names.expression is None:  # the other names are as long
            break
        if errors:
            continue
        if name in cells or (name == names.job and len(found) > 1):
            problems.append(_duplicate(name, values, cells[name].values if name in cells else {}, names))
        else:
            cells[name] = Cell(name, values)
    return list(cells.values()), problems


def _name(values: Values, names: _Names) -> tuple[str, list[Problem]]:
    """The name of a cell, and its problems."""
    if names.expression is None:
        name = _slug(names.job, values, names.axes)
        if len(name) <= _MAX_NAME:
            return name, []
        message = f"a cell name would be {len(name)} characters long; at most {_MAX_NAME} are allowed"
        hint = 'set shorter cell names, such as `name: "' + "train-${{ matrix.country }}" + '"`'
        return name, [Problem.at(names.position, names.path, "bad-name", message, hint)]
    path = (*names.path, "name")
    result, problems = evaluate(names.expression, {**names.context, "matrix": values}, path)
    mismatches = validate(result, _SCHEMA, _NAME, path)
    return text_of(result) or "", [*problems, *(problem for _, problem in mismatches)]


def _duplicate(name: str, values: Values, other: Values, names: _Names) -> Problem:
    """The problem of a cell with the name of another one, whose values are ``other``, or else of the whole job."""
    if other:
        shown = f"{show(_list(values))} and {show(_list(other))}"
        message = f"two cells of the matrix would be named `{name}`: {shown}"
    else:
        message = (
            f"a cell of the matrix would be named `{name}`, which is the name of the whole job: {show(_list(values))}"
        )
    hint = f'make the names unique: `name: "{names.job}-${{{{ matrix.{next(iter(values), "axis")} }}}}"`'
    if names.expression is None:
        return Problem.at(names.position, names.path, "cell-name-taken", message, hint)
    return Problem.at(names.expression.position, (*names.path, "name"), "cell-name-taken", message, hint)


def _slug(job: str, values: Values, axes: Iterable[str]) -> str:
    """A name such as ``train-de-10``, from the values of the axes, or from all values of a cell without any."""
    chosen = [values[axis] for axis in axes if axis in values] or list(values.values())
    return "-".join([job, *(slug for slug in (dns(to_text(value)) for value in chosen) if slug)])


def _list(values: Values) -> str:
    return ", ".join(f"{key}={to_text(value)}" for key, value in values.items())
