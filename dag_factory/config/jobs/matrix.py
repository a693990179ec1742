"""A job's ``matrix``: a job for each cell of a product, made when the file is read.

The words and their meaning are those that CI systems have made known: every axis is a list, ``exclude`` takes
cells away, ``include`` adds values to the cells that it fits and is a cell of its own where it fits none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from typing import Any

import msgspec

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.expressions.sandbox import dns, to_text
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.validate import validate
from dag_factory.config.source import documents
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.tree import MapNode, Node, Scalar, entries_of, is_set, items_of, without
from dag_factory.settings import BOUNDS

_SCHEMA, _MATRIX, _NAME = "job.schema.json", "/$defs/matrix", "/$defs/job_name"
_LONGEST = 200  # characters of a job's name, as the schema has it
_WORDS = ("include", "exclude", "name")

Values = dict[str, Any]


class Cell(msgspec.Struct, frozen=True):
    """One job of a matrix: its name, and the values that ``${{ matrix.… }}`` reads."""

    name: str
    values: Values = {}


def cells(job: str, node: MapNode, context: Context, path: KeyPath) -> tuple[list[Cell], list[Problem]]:
    """The cells of a job's matrix in order, those of ``include`` last, and what is wrong with it.

    ``node`` is the matrix, ``path`` where it stands. Where something is wrong there may be no cell.
    """
    context = {**context, "job": {"name": job}}
    naming = node.get("name")
    computed, problems = documents.compute(without(node, "name"), context, _SCHEMA, _MATRIX, path)
    if problems:
        return [], problems
    axes = {key: _values(item) for key, item in computed.entries.items() if key not in _WORDS and is_set(item)}
    count = math.prod(len(values) for values in axes.values()) + len(computed.list("include"))
    if count > BOUNDS.cells:
        message = f"the matrix has {count:,} cells, more than {BOUNDS.cells:,}"
        hint = "make it smaller, or run over a list with `for_each`"
        return [], [Problem.at(node.position, path, "too-many-cells", message, hint)]
    found = [dict(zip(axes, combination, strict=True)) for combination in itertools.product(*axes.values())]
    found = found if axes else []
    problems += _exclude(found, axes, computed.get("exclude"), (*path, "exclude"))
    _include(found, axes, computed.get("include"))
    if not found and not problems:
        hint = "give it an axis, as `country: [DE, FR]`"
        problems.append(Problem.at(node.position, path, "empty-matrix", f"the matrix of `{job}` has no cell", hint))
    return _named(
        job, found, axes, naming if is_set(naming) else None, context, node.position, path, problems
    ), problems


def _values(node: Node | None) -> list[Any]:
    return [_value(item) for item in items_of(node)]


def _value(node: Node) -> Any:
    """A value; a number that would not be written so again (``3.10``) is text, since a name is meant."""
    assert isinstance(node, Scalar)
    return node.text if isinstance(node.value, float) and str(node.value) != node.text else node.value


def _fits(values: MappingT[str, Any], wanted: MappingT[str, Any]) -> bool:
    return all(key in values and _same(values[key], value) for key, value in wanted.items())


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _exclude(found: list[Values], axes: MappingT[str, Any], node: Node | None, path: KeyPath) -> Iterator[Problem]:
    """Takes the cells away that an entry fits."""
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
            hint = "leave it out, or correct its values"
            yield Problem.at(
                item.position, place, "excludes-nothing", "no cell of the matrix has these values", hint, "warning"
            )
        found[:] = left


def _include(found: list[Values], axes: MappingT[str, Any], node: Node | None) -> None:
    """Adds each entry's values to the cells of the product that it fits, or the entry as a cell."""
    product = list(found)
    for item in items_of(node):
        values = {key: _value(value) for key, value in entries_of(item).items() if is_set(value)}
        of_axes = {key: value for key, value in values.items() if key in axes}
        fitting = [cell for cell in product if _fits(cell, of_axes)]
        for cell in fitting:
            cell.update(values)
        if not fitting:
            found.append(values)


def _named(
    job: str,
    found: list[Values],
    axes: MappingT[str, Any],
    naming: Node | None,
    context: Context,
    position: Position,
    path: KeyPath,
    problems: list[Problem],
) -> list[Cell]:
    named: dict[str, Cell] = {}
    for values in found:
        if naming is None:
            name = _slug(job, values, axes)
            if len(name) > _LONGEST:
                message = f"a cell of the matrix would be called by {len(name)} characters, more than {_LONGEST}"
                hint = 'give its cells shorter names, as `name: "' + "train-${{ matrix.country }}" + '"`'
                problems.append(Problem.at(position, path, "bad-name", message, hint))
                break
        else:
            result, trouble = evaluate(naming, {**context, "matrix": values}, (*path, "name"))
            trouble += tuple(problem for _, problem in validate(result, _SCHEMA, _NAME, (*path, "name")))
            problems += trouble
            if trouble:
                continue
            name = result.text if isinstance(result, Scalar) else ""
        if name in named or (name == job and len(found) > 1):
            where, place = (naming.position, (*path, "name")) if naming else (position, path)
            other = named[name].values if name in named else {}
            said = f"{show(_said(values))} and {show(_said(other))}" if other else show(_said(values))
            message = f"two cells of the matrix would be called `{name}`: {said}"
            if not other:
                message = f"a cell of the matrix would be called `{name}`, as all of them together: {said}"
            hint = f'tell them apart: `name: "{job}-${{{{ matrix.{next(iter(values), "axis")} }}}}"`'
            problems.append(Problem.at(where, place, "cell-name-taken", message, hint))
            continue
        named[name] = Cell(name, values)
    return list(named.values())


def _slug(job: str, values: Values, axes: MappingT[str, Any]) -> str:
    """``train-de-10``: the values of the axes, or all values of a cell that has none of them."""
    chosen = [values[axis] for axis in axes if axis in values] or list(values.values())
    return "-".join([job, *(slug for slug in (dns(to_text(value)) for value in chosen) if slug)])


def _said(values: Values) -> str:
    return ", ".join(f"{key}={to_text(value)}" for key, value in values.items())
