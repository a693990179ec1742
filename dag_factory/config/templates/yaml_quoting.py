"""Quote the values of a template for its YAML text, so that a value can never become YAML structure.

The context of an expression decides: outside quotes a value becomes JSON; inside quotes and block scalars it is
escaped; in the middle of a plain word (``load-${{ country }}:``) only plain words are allowed.

Each line of the template carries its number through the rendering, in private-use characters, so that a problem in the
rendered text names the line in the template.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from jinja2 import TemplateRuntimeError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from dag_factory.config.expressions.data import to_data, to_text

_OPEN, _CLOSE = "\ue000", "\ue001"  # around the number of a line
_LINE_NUMBER = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_WORD = re.compile(r"[\w./@+~%-]+(?::[\w./@+~%-]+)*", re.ASCII)
_INDENT = re.compile(r" *(?:- +)*")
_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ud800-\uf8ff\ufeff\ufffe\uffff]")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?")


def quote(value: Any, context: str, indent: int) -> str:
    """A value as YAML text for its context: ``plain``, ``word``, ``double``, ``single`` or ``block``."""
    if context == "plain":
        return _json(to_data(value))
    text = to_text(value)
    if context == "double":
        return _json(text)[1:-1]
    if context == "word":
        if not _WORD.fullmatch(text):
            raise TemplateRuntimeError(
                f"`{text[:40]}` is not a plain word; put quotes around the text that contains it"
            )
        return text
    if _OPEN in text or _CLOSE in text or any(not (char.isprintable() or char in "\t\r\n") for char in text):
        raise TemplateRuntimeError("the value contains control characters; put the text in double quotes")
    if context == "single":
        if _BREAKS.search(text):
            raise TemplateRuntimeError("the value has several lines; use double quotes instead of single quotes")
        return text.replace("'", "''")
    return _BREAKS.sub("\n" + " " * indent, text)


def _json(value: Any) -> str:
    """JSON that YAML reads as the same value: characters that YAML reads as line breaks or rejects are escaped."""
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


class YamlText(Extension):
    """Passes its context to each expression of a template, and adds a number to each line."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        tokens = list(stream)
        scanner = _Scanner()
        first = True
        for index, token in enumerate(tokens):
            if token.type == "data":
                scanner.feed(token.value)
                yield Token(token.lineno, "data", _with_line_numbers(token.value, token.lineno, first))
                first = False
            elif token.type == "variable_begin":
                yield token
                yield Token(token.lineno, "lparen", "(")
            elif token.type == "variable_end":
                context = scanner.context(_next_data(tokens, index))
                scanner.add_expression()
                yield Token(token.lineno, "rparen", ")")
                yield from _call(token.lineno, "_yaml", context.kind, context.indent)
                yield token
            else:
                yield token


def _with_line_numbers(text: str, line: int, first: bool) -> str:
    lines = text.split("\n")
    marked = [f"{_OPEN}{line + number}{_CLOSE}{part}" for number, part in enumerate(lines) if number or first]
    return "\n".join(marked if first else [lines[0], *marked])


def strip_line_numbers(text: str) -> tuple[str, list[int]]:
    """Rendered text without line numbers, and the line in the template of each of its lines."""
    lines: list[str] = []
    numbers: list[int] = []
    last = 1
    for line in text.split("\n"):
        found = _LINE_NUMBER.search(line)
        last = int(found[1]) if found else last
        lines.append(_LINE_NUMBER.sub("", line))
        numbers.append(last)
    return "\n".join(lines), numbers


def _call(line: int, name: str, *arguments: str | int) -> Iterator[Token]:
    yield Token(line, "pipe", "|")
    yield Token(line, "name", name)
    yield Token(line, "lparen", "(")
    for number, argument in enumerate(arguments):
        if number:
            yield Token(line, "comma", ",")
        kind = "string" if isinstance(argument, str) else "integer"
        yield Token(line, kind, argument)  # type: ignore[arg-type]  # tokens of Jinja hold numbers too
    yield Token(line, "rparen", ")")


def _next_data(tokens: list[Token], index: int) -> str:
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is None or following.type == "block_begin":
        return "\n"
    return following.value if following.type == "data" else "x"


class _Context(msgspec.Struct, frozen=True):
    kind: str
    indent: int = 0


class _Scanner:
    """Tracks the quotes and block scalars of YAML in the text of a template."""

    def __init__(self) -> None:
        self._state = "plain"
        self._fresh = True  # at the start of a value
        self._line: list[str] = []  # the characters of this line so far
        self._indent = 0  # the number of spaces at the start of the line
        self._blank = True
        self._block = -1  # lines of a block scalar begin after this column

    def feed(self, text: str) -> None:
        """Read more text."""
        for char in text:
            if char == "\n":
                self._newline()
            else:
                self._append(char)
                self._character(char)

    def add_expression(self) -> None:
        """Note an expression at this point."""
        self._append("x")
        self._fresh = False

    def context(self, following: str) -> _Context:
        """The context of an expression at this point; ``following`` is the text after it."""
        if self._state == "block" or self._in_block_line():
            return _Context("block", self._indent)
        if self._state in ("double", "single"):
            return _Context(self._state)
        alone = self._fresh and (not following or following[0] in "\n ,]}:" or following.startswith(" #"))
        return _Context("plain" if alone or self._state == "comment" else "word")

    def _append(self, char: str) -> None:
        if char == " " and self._indent == len(self._line):
            self._indent += 1
        self._blank = self._blank and char.isspace()
        self._line.append(char)

    def _in_block_line(self) -> bool:
        return self._indent > self._block >= 0

    def _newline(self) -> None:
        line = "".join(self._line)
        if self._state in ("plain", "comment") and self._block < 0 and self._opens_block(line.strip()):
            lead = _INDENT.match(line)
            self._block = len(lead[0]) if lead and ":" in line else len(line) - len(line.lstrip())
            self._state = "plain"
        elif self._state in ("comment", "block"):
            self._state = "plain"
        self._line, self._indent, self._blank = [], 0, True
        self._fresh = True

    @staticmethod
    def _opens_block(line: str) -> bool:
        for sign in (": ", "- "):
            before, _, after = line.rpartition(sign)
            if (before or line.startswith(sign)) and _BLOCK_HEADER.fullmatch(after.strip()):
                return True
        return False

    def _character(self, char: str) -> None:
        if self._block >= 0 and not self._blank:
            if self._in_block_line():
                self._state = "block"
                return
            self._block = -1
            self._state = "plain"
        if self._state == "double":
            if char == '"' and not self._escaped():
                self._state = "plain"
        elif self._state == "single":
            if char == "'":
                self._state = "plain"
        elif self._state == "plain":
            if char == '"' and self._fresh:
                self._state = "double"
            elif char == "'" and (self._fresh or self._line[-2:] == ["'", "'"]):
                self._state = "single"
            elif char == "#" and self._line[-2:-1] in ([], [" "]):
                self._state = "comment"
            if char in " ":
                self._fresh = self._fresh or "".join(self._line[-2:-1]) in (":", "-", "?", ",")
            else:
                self._fresh = char in ",[{"

    def _escaped(self) -> bool:
        before = itertools.islice(reversed(self._line), 1, None)
        return sum(1 for _ in itertools.takewhile(lambda char: char == "\\", before)) % 2 == 1
