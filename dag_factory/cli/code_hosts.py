"""Format problems as annotations for the pages of GitHub and GitLab. The text of a problem can come from anybody."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dag_factory.config.problems import Problem, errors

_SHOWN = 10  # annotations of each kind that GitHub shows for a step


def repository_folder(home: Path) -> str:
    """Return the path from the root of the git repository to ``home``, with a slash at the end; empty for the root.

    Without a repository, ``home`` counts as the root.
    """
    home = home.resolve()
    for folder in (home, *home.parents):
        if os.path.lexists(folder / ".git"):
            below = home.relative_to(folder).as_posix()
            return "" if below == "." else f"{below}/"
    return ""


def repository_root(home: Path) -> Path:
    """Return the root of the git repository with ``home``; without a repository, ``home``."""
    home = home.resolve()
    below = repository_folder(home)
    return home.parents[below.count("/") - 1] if below else home


def github(problems: Sequence[Problem], folder: str) -> Iterator[str]:
    """Yield one workflow command for each problem, errors first; then one that counts those that GitHub hides."""
    for problem in sorted(problems, key=lambda one: one.severity != "error"):
        place = {"file": folder + problem.file}
        if problem.line:
            place |= {"line": str(problem.line), "col": str(problem.column)}
        properties = ",".join(f"{key}={_property(value)}" for key, value in {**place, "title": problem.code}.items())
        yield f"::{problem.severity} {properties}::{_data(_message(problem))}"
    found = {"error": len(errors(problems)), "warning": len(problems) - len(errors(problems))}
    hidden = [_count(number - _SHOWN, word) for word, number in found.items() if number > _SHOWN]
    if hidden:
        text = f"GitHub shows {_SHOWN} errors and {_SHOWN} warnings of a step. The log of this step has all problems."
        yield f"::notice title=dagf check::{' and '.join(hidden)} not shown here. {text}"


def gitlab(problems: Sequence[Problem], folder: str) -> str:
    """Return a code quality report. A fingerprint does not depend on line numbers, so it is stable when lines move."""
    seen: Counter[str] = Counter()
    report = []
    for problem in problems:
        identity = folder + "\0".join(problem.identity)
        number = seen[identity]
        seen[identity] += 1
        report.append(
            {
                "description": _message(problem),
                "check_name": problem.code,
                "fingerprint": hashlib.sha256(f"{identity}\0{number}".encode()).hexdigest(),
                "severity": "major" if problem.severity == "error" else "minor",
                "location": {"path": folder + problem.file, "lines": {"begin": problem.line or 1}},
            }
        )
    return msgspec.json.format(msgspec.json.encode(report)).decode()


def _message(problem: Problem) -> str:
    """Return what is wrong, where it is in the document, and the fix, in up to three lines."""
    parts = [problem.message, problem.path and f"at {problem.path}", problem.hint and f"help: {problem.hint}"]
    return "\n".join(part for part in parts if part)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
