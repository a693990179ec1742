"""A problem is a value: what is wrong, where a person edits it, and how it is mended.

Every stage of the compiler returns problems beside its result and raises none of them, so that one
run tells everything that is wrong in every file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from dag_factory.config.places import Mark, Path, dotted

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
    code: str
    message: str
    path: str = ""
    hint: str = ""
    severity: Severity = "error"

    @classmethod
    def at(
        cls, mark: Mark, path: Path, code: str, message: str, hint: str = "", severity: Severity = "error"
    ) -> Problem:
        """A problem of the value at ``mark``, whose place in its document is ``path``.

        Of a value in a template the caller's place is named, and the template's in the message.
        """
        while mark.caller is not None:
            message = f"{message} (in {mark.file}:{mark.line})"
            mark = mark.caller
        where = printable(dotted(path))
        return cls(mark.file, mark.line, mark.column, code, printable(message), where, printable(hint), severity)

    @property
    def place(self) -> str:
        """``file:line:column``, or the file alone where the problem is the file's as a whole."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def printable(text: str) -> str:
    """Text in which nothing can drive a terminal: every other character as Python writes it in a string."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(name: str) -> str:
    """A file's name as text that can be printed anywhere; a file may be called in any bytes."""
    return name.encode("utf-8", "backslashreplace").decode()


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that forbid a build."""
    return tuple(problem for problem in problems if problem.severity == "error")
