"""The scope of a pipeline or job while it is compiled: what applies to it, and its problems so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem, errors

T = TypeVar("T")


class Scope(msgspec.Struct, frozen=True):
    """``path`` and ``position`` locate the pipeline or job in its file; ``problems`` grows while it is compiled.

    ``context`` holds the names that ``${{ }}`` expressions can read.
    """

    path: KeyPath
    position: Position
    tables: Tables
    context: Context
    problems: list[Problem] = []

    def report(self, problems: Iterable[Problem]) -> None:
        """Add problems that a check found."""
        self.problems.extend(problems)

    def error(self, code: Code, message: str, hint: str, position: Position | None = None, *keys: str | int) -> None:
        """Add an error of the value under ``keys``; without them, of the pipeline or job as a whole."""
        self.problems.append(Problem.at(position or self.position, (*self.path, *keys), code, message, hint))

    def value(self, result: tuple[T, Iterable[Problem]]) -> T:
        """The value of a pair of a value and problems; add the problems."""
        value, problems = result
        self.problems.extend(problems)
        return value

    @property
    def has_no_errors(self) -> bool:
        """Whether there are no errors so far; warnings do not count."""
        return not errors(self.problems)
