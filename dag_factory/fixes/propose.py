"""Which problems have exactly one fix, and what it changes.

The hint of a problem names the fix. A fix is proposed only if the file has the wrong text at the position of the
problem: a value that comes from a template, an anchor or an expression is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from dag_factory.config.problems import Problem
from dag_factory.config.source.yaml_text import lines
from dag_factory.fixes.typo import is_typo


class Edit(msgspec.Struct, frozen=True, order=True):
    """Replaces ``old`` by ``new``. ``start`` is the offset in the bytes of the file."""

    file: str
    start: int
    old: str
    new: str
    problem: Problem

    @property
    def text(self) -> str:
        """What changes, in one line."""
        return f"`{self.old}` -> `{self.new}`"


class Rename(msgspec.Struct, frozen=True, order=True):
    """Renames a file. Both names are relative to the project's home."""

    file: str
    to: str
    problem: Problem

    @property
    def text(self) -> str:
        """What changes, in one line."""
        return f"renamed to {self.to}"


Fix = Edit | Rename
_Change = tuple[int, str, str]  # where in the rest of the line, the old and the new text

_SUGGESTED = re.compile(r"did you mean `([A-Za-z_@][\w.@/+-]*)`\?")
_OTHER_NAME = re.compile(r"write `([a-z_]+)`")
_WORD = re.compile(r"""(?P<quote>["']?)(?P<word>[\w.@/+-]+)(?P=quote)""")
_END = re.compile(r"\s*(?:$|[,\]}]|:(?=\s|$)|\s#)")  # of a value or a key
_OCTAL = re.compile(r"write `(0o[0-7]+)` or `\d+`")
_TABLE = re.compile(r"the name of this table must be `([\w./-]+)`")
_IN_QUOTES = re.compile(r"put the whole value in quotes, as (([\"']).*\2)")
_ELSEWHERE = re.compile(r" \(in [^()]*\)$")  # a template, or only some of the environments
_NOT_TEXT = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def propose_fix(problem: Problem, data: bytes, environments: Iterable[str]) -> Fix | None:
    """The only fix of a problem, or None. ``data`` are the bytes of the file with the problem.

    A problem that only some of the ``environments`` have is not fixed: the change would have an effect in the others.
    """
    change = FIXES.get(problem.code)
    if change is None or _ELSEWHERE.search(problem.message):
        return None
    if any(f"`{name}`" in problem.message for name in environments):
        return None
    if problem.line == 0:
        to = _new_name(problem)
        return Rename(problem.file, to, problem) if to else None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    mark = text.startswith("\ufeff")
    rows = lines(text[mark:])
    if problem.line > len(rows):
        return None
    found = change(problem, rows[problem.line - 1][problem.column - 1 :])
    if found is None:
        return None
    skipped, old, new = found
    before = text[: mark + _offset(text[mark:], problem.line) + problem.column - 1 + skipped]
    return Edit(problem.file, len(before.encode()), old, new, problem)


def _offset(text: str, line: int) -> int:
    """The index of the first character of a line."""
    ends = re.finditer(r"\r\n|\r|\n", text)
    index = 0
    for _ in range(line - 1):
        index = next(ends).end()
    return index


def _new_name(problem: Problem) -> str:
    """The name of a file that has the wrong ending, or that is a table under a similar name."""
    table = _TABLE.fullmatch(problem.message)
    if table:
        return table[1]
    stem, dot, ending = problem.file.rpartition(".")
    is_pipeline = problem.hint == "rename it to .yaml" and ending.lower() in ("yml", "yaml")
    return f"{stem}{dot}yaml" if is_pipeline and problem.file.isascii() and "\\" not in problem.file else ""


def _word(problem: Problem, rest: str) -> re.Match[str] | None:
    """The whole key or value at the position, if the message names it."""
    found = _WORD.match(rest)
    if not found or not _END.match(rest, found.end()) or f"`{found['word']}`" not in problem.message:
        return None
    return found


def _suggested(problem: Problem, rest: str, strict: bool) -> _Change | None:
    found, hint = _word(problem, rest), _SUGGESTED.fullmatch(problem.hint)
    if not found or not hint or not is_typo(found["word"], hint[1], strict):
        return None
    if not found["quote"] and (hint[1].lower() in _NOT_TEXT or hint[1].startswith("@")):
        return None
    return found.start("word"), found["word"], hint[1]


def _name(problem: Problem, rest: str) -> _Change | None:
    """A name that the project defines."""
    return _suggested(problem, rest, strict=True)


def _key(problem: Problem, rest: str) -> _Change | None:
    """A key or a fixed value of the language; or its name in other tools."""
    found, other = _word(problem, rest), _OTHER_NAME.fullmatch(problem.hint)
    if found and other:
        return found.start("word"), found["word"], other[1]
    return _suggested(problem, rest, strict=False)


def _without_quotes(problem: Problem, rest: str) -> _Change | None:
    found = _WORD.match(rest)
    if problem.hint != "remove the quotes" or not found or not found["quote"] or not _END.match(rest, found.end()):
        return None
    return 0, found[0], found["word"]


def _octal(problem: Problem, rest: str) -> _Change | None:
    found, hint = _word(problem, rest) or re.match(r"(?P<word>[0-7]+)", rest), _OCTAL.fullmatch(problem.hint)
    if not found or not hint or not _END.match(rest, found.end()):
        return None
    is_same = re.fullmatch(r"[0-7]+", found["word"]) and int(found["word"], 8) == int(hint[1][2:], 8)
    return (found.start("word"), found["word"], hint[1]) if is_same and not rest.startswith(("'", '"')) else None


def _quoted(problem: Problem, rest: str) -> _Change | None:
    hint = _IN_QUOTES.fullmatch(problem.hint)
    if not hint:
        return None
    value = hint[1][1:-1]
    return (0, value, hint[1]) if rest.startswith(value) and _END.match(rest, len(value)) else None


# `bad-name` renames the file and does not change its text.
FIXES: dict[str, Callable[[Problem, str], _Change | None]] = {
    "bad-name": lambda *_: None,
    "bad-schedule": _key,
    "bad-timezone": _key,
    "bad-trigger-rule": _key,
    "bad-value": lambda problem, rest: _without_quotes(problem, rest) or _key(problem, rest),
    "octal-mode": _octal,
    "unknown-axis": _name,
    "unknown-channel": _name,
    "unknown-environment": _name,
    "unknown-flavor": _name,
    "unknown-input": _name,
    "unknown-job": _name,
    "unknown-key": _key,
    "unknown-pool": _name,
    "unknown-preset": _name,
    "unknown-reason": _key,
    "unknown-retry-rule": _name,
    "unknown-template": _name,
    "unquoted-template": _quoted,
    "wrong-type": _without_quotes,
}
"""What a problem with a code may change. The table of problem codes says which codes are here."""
