"""The values of a new part: from options, or asked for on a terminal."""

from __future__ import annotations

from collections.abc import Callable

from dag_factory.cli import terminal
from dag_factory.cli.errors import CouldNotRun

Check = Callable[[str], str | None]
"""Returns what is wrong with an answer, and how to fix it; None if it is fine."""


class Answers:
    """Asks for required values that no option gave. Only then, it asks for optional values too."""

    def __init__(self, *required: object) -> None:
        self._asks = terminal.is_interactive() and any(value is None for value in required)
        self._missing: list[str] = []

    def required(self, given: str | None, option: str, question: str, check: Check = lambda _: None) -> str:
        """Return a value. Without a terminal, a missing one is reported by ``complete``."""
        if given is not None:
            problem = check(given)
            if problem:
                raise CouldNotRun(problem)
            return given
        if self._asks:
            return _ask(question, "", check, is_required=True)
        self._missing.append(option)
        return ""

    def optional(self, given: str | None, question: str, default: str = "", check: Check = lambda _: None) -> str:
        """Return a value, by default ``default``."""
        if given is None and self._asks:
            return _ask(question, default, check)
        return default if given is None else given

    def complete(self) -> None:
        """Raise ``CouldNotRun`` if required values are missing."""
        if self._missing:
            names = " and ".join(self._missing)
            missing = f"{names} is missing; add it" if len(self._missing) == 1 else f"{names} are missing; add them"
            raise CouldNotRun(f"{missing} to the command, or run it on a terminal to be asked")


def _ask(question: str, default: str, check: Check, is_required: bool = False) -> str:
    while True:
        answer = terminal.ask(f"{question}{f' [{default}]' if default else ''}: ") or default
        problem = check(answer) if answer else "an answer is required" if is_required else None
        if not problem:
            return answer
        terminal.note(problem)
