"""Problems for people, as rustc and ruff print them; and for programs, as lines or JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from dag_factory.config.problems import Problem, errors
from dag_factory.config.source.files import read_bytes
from dag_factory.config.source.yaml_text import lines

_WIDEST = 160
_TOKEN = re.compile(r"""("[^"]*"|'[^']*'|[^\s,\]}#]+)""")


def print_problems(problems: Sequence[Problem], root: Path) -> None:
    """Print every problem with its source line and a caret. ``root`` is the folder of the files' names."""
    lines: dict[str, list[str]] = {}
    for problem in problems:
        if problem.file not in lines:
            lines[problem.file] = _lines(root, problem.file)
        click.echo(rendered(problem, lines[problem.file]))


def rendered(problem: Problem, lines: Sequence[str]) -> str:
    """One problem in several lines, coloured; ``lines`` are the file's."""
    color = "red" if problem.severity == "error" else "yellow"
    place, code = click.style(_clean(problem.place), bold=True), click.style(problem.code, fg=color)
    mark = f"{click.style('warning', fg=color, bold=True)}: " if problem.severity == "warning" else ""
    parts = [f"{place}: {mark}{code}: {_clean(problem.message)}"]
    gutter = len(str(problem.line)) if problem.line else 1
    bar = click.style(" " * gutter + " |", fg="blue")
    if 0 < problem.line <= len(lines):
        number = click.style(f"{problem.line} |", fg="blue")
        text = _clean(lines[problem.line - 1])
        text, start = _window(text, max(problem.column, len(text) - len(text.lstrip()) + 1))
        width = _width(text, start)
        parts += [bar, f"{number} {text}", f"{bar} {' ' * (start - 1)}{click.style('^' * width, fg=color)}"]
    if problem.path:
        parts.append(f"{bar} at {_clean(problem.path)}")
    if problem.hint:
        equals = click.style(" " * gutter + " =", fg="blue")
        parts.append(f"{equals} {click.style('help', bold=True)}: {_clean(problem.hint)}")
    return "\n".join(parts) + "\n"


def line(problem: Problem) -> str:
    """One problem in one line, for editors and logs."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return _clean(f"{problem.place}: {problem.severity}: {problem.code}: {problem.message}{hint}")


def as_json(problems: Sequence[Problem]) -> str:
    """The problems as a JSON array of objects."""
    return msgspec.json.format(msgspec.json.encode(problems)).decode()


def summary(problems: Sequence[Problem], files: Sequence[str], environments: Sequence[str]) -> str:
    """What was looked at, and what came of it."""
    wrong = len(errors(problems))
    warned = len(problems) - wrong
    looked = f"{_count(len(files), 'pipeline')} in {_count(len(environments), 'environment')}"
    if not problems:
        return f"{click.style('No problems', fg='green')} in {looked} ({', '.join(environments)})."
    counted = [_count(wrong, "error")] * bool(wrong) + [_count(warned, "warning")] * bool(warned)
    return f"{click.style(' and '.join(counted), fg='red' if wrong else 'yellow')} in {looked}."


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _lines(root: Path, file: str) -> list[str]:
    """The lines of a file as the compiler reads it; none of what it refuses to read, such as a link to elsewhere."""
    data = read_bytes(root / file, root, file)
    return lines(data.decode("utf-8-sig", "replace")) if isinstance(data, bytes) else []


def _clean(text: str) -> str:
    """Text that cannot drive the terminal."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text)


def _window(text: str, column: int) -> tuple[str, int]:
    """The part of a long line around a column, and the column in it; both count from 1."""
    column = max(1, min(column, len(text) + 1))
    if len(text) <= _WIDEST:
        return text, column
    first = max(0, column - _WIDEST // 2)
    return text[first : first + _WIDEST], column - first


def _width(text: str, start: int) -> int:
    """How many carets: the word that begins there."""
    match = _TOKEN.match(text, start - 1)
    return len(match[0].rstrip(":")) or 1 if match else 1
