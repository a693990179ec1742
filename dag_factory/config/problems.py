"""A problem is a value: what is wrong, where it is, and how to fix it.

Every stage of the compiler returns problems beside its result and does not raise them, so that one run reports every
problem of every file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as SequenceT
from typing import TYPE_CHECKING, Literal

import msgspec

from dag_factory.config.positions import KeyPath, Position, dotted
from dag_factory.settings import BOUNDS

if TYPE_CHECKING:
    from dag_factory.config.problem_codes.code import Code
else:
    Code = str  # msgspec reads problems that another version stored, with codes that this one may not have

_POSITION = re.compile(r":\d+(:\d+)?\b|\blines? \d+\b")
_LONGEST = 1_000  # characters of a message, a hint or a path, so that none fills a screen

Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, order=True):
    """One problem at one position.

    ``file`` is relative to the project's home, in POSIX form. ``line`` and ``column`` count from 1 (0: the file as a
    whole). ``path`` is the path in the document, such as ``jobs.train.resource_flavor``. ``code`` is a stable name in
    kebab case. ``hint`` says how to fix the problem.
    """

    file: str
    line: int
    column: int
    code: Code
    message: str
    path: str = ""
    hint: str = ""
    severity: Severity = "error"

    @classmethod
    def at(
        cls, position: Position, path: KeyPath, code: Code, message: str, hint: str = "", severity: Severity = "error"
    ) -> Problem:
        """A problem of the value at ``position``, which has ``path`` in its document.

        For a value in a template, the position is that of the call; the message names the position in the template.
        """
        while position.caller is not None:
            message = f"{message} (in {position.file}:{position.line})"
            position = position.caller
        printable_path = printable(dotted(path))
        return cls(
            position.file,
            position.line,
            position.column,
            code,
            printable(message),
            printable_path,
            printable(hint),
            severity,
        )

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What stays the same when the problem only moves to another line."""
        return self.file, self.code, self.path, _POSITION.sub("", self.message)

    @property
    def location(self) -> str:
        """``file:line:column``, or only the file for a problem of the file as a whole."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def printable(text: str) -> str:
    """Text without control characters, which could control a terminal; they become Python escapes.

    Very long text is cut.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def printable_name(name: str) -> str:
    """The name of a file as printable text; the name of a file may be any bytes."""
    return printable(name.encode("utf-8", "backslashreplace").decode())


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that prevent a build."""
    return tuple(problem for problem in problems if problem.severity == "error")


def up_to_limit(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems until the limit of errors for a file is exceeded; the rest is not searched."""
    left = BOUNDS.problems_per_file
    for problem in problems:
        yield problem
        left -= problem.severity == "error"
        if left < 0:
            return


def more_problems(position: Position) -> Problem:
    """The problem that replaces all unreported problems, at the position of the first of them."""
    message, hint = "there are more problems in this file; they are not shown", "fix the first problems"
    return Problem(position.file, position.line, position.column, "too-many-problems", message, "", hint)


def limit_problems(problems: SequenceT[Problem]) -> tuple[tuple[Problem, ...], bool]:
    """The problems of a file up to the limit, errors before warnings, and whether there are more."""
    if len(problems) <= BOUNDS.problems_per_file:
        return tuple(problems), False
    ordered = sorted(problems, key=lambda problem: problem.severity != "error")
    last = ordered[BOUNDS.problems_per_file]
    rest = msgspec.structs.replace(more_problems(Position(last.file, last.line, last.column)), severity=last.severity)
    return (*ordered[: BOUNDS.problems_per_file], rest), True
