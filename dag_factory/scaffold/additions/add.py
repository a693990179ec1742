"""Make an addition to a project, unless a file exists or the check would find a new error."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.scratch_copy import scratch_copy
from dag_factory.config.project.survey import survey
from dag_factory.config.source.layout import environments
from dag_factory.edits.operations import Refused
from dag_factory.scaffold.additions.addition import Addition, Entry
from dag_factory.scaffold.additions.insert import insert_entry
from dag_factory.scaffold.new_files import NotWritten, existing_files, write_new_files


class NotAdded(Exception):
    """Nothing was changed. ``str()`` of it is the reason; ``problems`` are what the check would find."""

    def __init__(self, reason: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(reason)
        self.problems = problems


class Added(NamedTuple):
    """A line for each change, and the warnings about the new files."""

    changes: tuple[str, ...]
    warnings: tuple[Problem, ...]


def add(home: Path, addition: Addition) -> Added:
    """Write the files and the entry. Raises ``NotAdded``."""
    existing = existing_files(home, addition.files)
    if existing:
        raise NotAdded(f"{' and '.join(existing)} {'exists' if len(existing) == 1 else 'exist'} already")
    files = dict(addition.files)
    edited: dict[str, str] = {}
    if addition.entry:
        old = _read(home, addition.entry.file)
        text = _with_entry(old or "", addition.entry)
        (files if old is None else edited)[addition.entry.file] = text
    warnings = tuple(problem for problem in _check(home, files | edited) if problem.file in files)
    try:
        write_new_files(home, files)
        for file, text in edited.items():
            _replace(home / file, text)
    except NotWritten as failure:
        raise NotAdded(str(failure)) from failure
    except OSError as failure:
        raise NotAdded(f"{failure.filename} cannot be written: {failure.strerror}") from failure
    changes = [*(f"Wrote {file}" for file in files), *(f"Added {_where(edited[file], addition)}" for file in edited)]
    return Added(tuple(changes), tuple(problem for problem in warnings if problem.code != "unused-team"))


def _with_entry(text: str, entry: Entry) -> str:
    if not text:
        comment = "".join(f"# {row}\n" for row in entry.comment.splitlines())
        text = f"version: 1\n\n{comment}\n{entry.table}:\n" if comment else f"version: 1\n\n{entry.table}:\n"
    try:
        return insert_entry(text, entry.table, entry.name, entry.value, block=entry.block)
    except Refused as failure:
        raise NotAdded(f"{entry.file} cannot be changed: {failure}") from failure


def _where(text: str, addition: Addition) -> str:
    entry = addition.entry
    assert entry is not None
    rows = (number for number, row in enumerate(text.splitlines(), 1) if f"{entry.name}:" in row.replace('"', ""))
    return f"`{entry.name}` to {entry.file}:{max(rows, default=1)}"


def _read(home: Path, file: str) -> str | None:
    try:
        return (home / file).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as failure:
        raise NotAdded(f"{file} cannot be read: {failure}") from failure


def _check(home: Path, changed: dict[str, str]) -> tuple[Problem, ...]:
    """Check a copy of the project with the change, and return all problems.

    Raises ``NotAdded`` for errors that the project does not have yet.
    """
    with scratch_copy(home, {file: text.encode() for file, text in changed.items()}) as copy:
        problems = survey(copy, original=home).problems
    found = errors(problems)
    if found:
        known = {problem.identity for problem in errors(survey(home).problems)} if environments(home) else set()
        new = tuple(problem for problem in found if problem.identity not in known)
        if new:
            cause = min(new, key=lambda problem: problem.file not in changed)  # others follow from it
            where = "" if cause.file in changed else f"{cause.location}: "
            raise NotAdded(where + _reason(cause), new)
    return problems


def _reason(problem: Problem) -> str:
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole, so that a reader sees the old or the new text, with the mode of the old one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(temporary).chmod(path.stat().st_mode & 0o7777)
        Path(temporary).replace(path.resolve())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
