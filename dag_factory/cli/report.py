"""Format problems for people, as rustc and ruff do, and for programs, as lines or JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dag_factory.cli import terminal
from dag_factory.config.problems import Problem, errors
from dag_factory.config.source.files import read_bytes
from dag_factory.config.source.yaml_text import lines

if TYPE_CHECKING:  # only `dagf check --fix` needs them
    from dag_factory.fixes.fix import NotFixed
    from dag_factory.fixes.propose import Fix

_WIDEST = 160
_TOKEN = re.compile(r"""("[^"]*"|'[^']*'|[^\s,\]}#]+)""")


def print_problems(problems: Sequence[Problem], root: Path) -> None:
    """Print every problem with its source line and a caret. File names are relative to ``root``."""
    lines: dict[str, list[str]] = {}
    for problem in problems:
        if problem.file not in lines:
            lines[problem.file] = _lines(root, problem.file)
        terminal.write(rendered(problem, lines[problem.file]))


def rendered(problem: Problem, lines: Sequence[str]) -> str:
    """Return one problem in several lines, with colours; ``lines`` are those of its file."""
    color = "red" if problem.severity == "error" else "yellow"
    location, code = terminal.style(_clean(problem.location), bold=True), terminal.style(problem.code, fg=color)
    mark = f"{terminal.style('warning', fg=color, bold=True)}: " if problem.severity == "warning" else ""
    parts = [f"{location}: {mark}{code}: {_clean(problem.message)}"]
    gutter = len(str(problem.line)) if problem.line else 1
    bar = terminal.style(" " * gutter + " |", fg="blue")
    if 0 < problem.line <= len(lines):
        number = terminal.style(f"{problem.line} |", fg="blue")
        text = _clean(lines[problem.line - 1])
        text, start = _window(text, max(problem.column, len(text) - len(text.lstrip()) + 1))
        width = _width(text, start)
        parts += [bar, f"{number} {text}", f"{bar} {' ' * (start - 1)}{terminal.style('^' * width, fg=color)}"]
    if problem.path:
        parts.append(f"{bar} at {_clean(problem.path)}")
    if problem.hint:
        equals = terminal.style(" " * gutter + " =", fg="blue")
        parts.append(f"{equals} {terminal.style('help', bold=True)}: {_clean(problem.hint)}")
    return "\n".join(parts) + "\n"


def line(problem: Problem) -> str:
    """Return one problem in one line, for editors and logs."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return _clean(f"{problem.location}: {problem.severity}: {problem.code}: {problem.message}{hint}")


def fixed(fix: Fix) -> str:
    """Return one line that says what a fix changed."""
    return _clean(f"{fix.problem.location}: fixed {fix.problem.code}: {fix.text}")


def not_fixed(one: NotFixed) -> str:
    """Return one line that says why a fix was not made."""
    return _clean(f"{one.fix.problem.location}: not fixed {one.fix.problem.code}: {one.reason}")


def as_json(problems: Sequence[Problem]) -> str:
    """Return the problems as a JSON array of objects."""
    return msgspec.json.format(msgspec.json.encode(problems)).decode()


def summary(problems: Sequence[Problem], files: Sequence[str], environments: Sequence[str]) -> str:
    """Return one sentence: how many problems, in how many pipelines and environments."""
    checked = f"{_count(len(files), 'pipeline')} in {_count(len(environments), 'environment')}"
    if not problems:
        return f"{terminal.style('No problems', fg='green')} in {checked} ({', '.join(environments)})."
    numbers = {"error": len(errors(problems)), "warning": len(problems) - len(errors(problems))}
    found = " and ".join(_count(number, word) for word, number in numbers.items() if number)
    return f"{terminal.style(found, fg='red' if numbers['error'] else 'yellow')} in {checked}."


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _lines(root: Path, file: str) -> list[str]:
    """Return the lines of a file as the compiler reads it; none if it may not read it, such as a link to elsewhere."""
    data = read_bytes(root / file, root, file)
    return lines(data.decode("utf-8-sig", "replace")) if isinstance(data, bytes) else []


def _clean(text: str) -> str:
    """Return the text without characters that control a terminal."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text)


def _window(text: str, column: int) -> tuple[str, int]:
    """Return the part of a long line around a column, and the column in that part. Columns count from 1."""
    column = max(1, min(column, len(text) + 1))
    if len(text) <= _WIDEST:
        return text, column
    first = max(0, column - _WIDEST // 2)
    return text[first : first + _WIDEST], column - first


def _width(text: str, start: int) -> int:
    """Return the number of carets: the length of the word at the column ``start``."""
    match = _TOKEN.match(text, start - 1)
    return len(match[0].rstrip(":")) or 1 if match else 1
