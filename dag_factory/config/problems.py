"""A problem is a value: what is wrong, where a person edits it, and how it is mended.

Every stage of the compiler returns problems beside its result and raises none of them, so that one
run tells everything that is wrong in every file.
"""

from __future__ import annotations

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

_LONGEST = 1_000  # characters of a message, a hint or a path: none fills a screen

Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing wrong in one place.

    ``file`` is relative to the project's home, in POSIX form; ``line`` and ``column`` count from 1
    (0: the file as a whole); ``path`` is the place in the document's own words, as
    ``jobs.train.resource_flavor``; ``code`` is a stable kebab-case word; ``hint`` says the mend.
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
        """A problem of the value at ``position``, whose place in its document is ``path``.

        Of a value in a template the caller's place is named, and the template's in the message.
        """
        while position.caller is not None:
            message = f"{message} (in {position.file}:{position.line})"
            position = position.caller
        where = printable(dotted(path))
        return cls(
            position.file, position.line, position.column, code, printable(message), where, printable(hint), severity
        )

    @property
    def place(self) -> str:
        """``file:line:column``, or the file alone where the problem is the file's as a whole."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def printable(text: str) -> str:
    """Text in which nothing can drive a terminal: every other character as Python writes it in a string.

    What is longer than anybody reads is cut.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def printable_name(name: str) -> str:
    """A file's name as text that can be printed anywhere; a file may be called in any bytes."""
    return printable(name.encode("utf-8", "backslashreplace").decode())


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that forbid a build."""
    return tuple(problem for problem in problems if problem.severity == "error")


def up_to_limit(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems, up to more errors than a person mends at once: what comes then is not looked for."""
    left = BOUNDS.problems_per_file
    for problem in problems:
        yield problem
        left -= problem.severity == "error"
        if left < 0:
            return


def more_problems(position: Position) -> Problem:
    """What stands for all problems that are not reported, at the place of the first of them."""
    message, hint = "there are more problems in this file; the rest of it was not looked at", "mend the first ones"
    return Problem(position.file, position.line, position.column, "too-many-problems", message, "", hint)


def limit_problems(problems: SequenceT[Problem]) -> tuple[tuple[Problem, ...], bool]:
    """No more problems of one text than a person mends at once, errors before warnings, and whether there are more."""
    if len(problems) <= BOUNDS.problems_per_file:
        return tuple(problems), False
    ordered = sorted(problems, key=lambda problem: problem.severity != "error")
    last = ordered[BOUNDS.problems_per_file]
    more = msgspec.structs.replace(more_problems(Position(last.file, last.line, last.column)), severity=last.severity)
    return (*ordered[: BOUNDS.problems_per_file], more), True
