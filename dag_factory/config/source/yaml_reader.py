"""Parse text into a source tree by the core schema of YAML 1.2.

``on``, ``yes``, ``NO`` and dates are text, and ``010`` is ten.

libyaml parses if PyYAML was built with it. Tags are resolved here, because PyYAML resolves them by YAML 1.1.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

import yaml
from yaml import composer, error, nodes, parser, reader, scanner

from dag_factory.config.positions import Position
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem, limit_problems
from dag_factory.config.source.indentation_errors import explain
from dag_factory.config.source.yaml_text import ColumnShifts, join_surrogate_pairs, lines, replace_breaks
from dag_factory.config.suggestions import show
from dag_factory.config.tree import CHARACTERS, MapNode, Node, Scalar, list_node, map_node
from dag_factory.settings import BOUNDS

_SAFE_DEPTH = 500
"""The depth that the recursive parser can handle; only files that may be deeper are checked exactly."""
_PLAIN, _TEXT = "plain", "text"
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BRACES = re.compile(r"\$?\{\{.*?\}\}[^\s,\]}]*")
_NUL = "the text contains the character NUL"
_STANDARD = "tag:yaml.org,2002:"
_IN_PLACE = ColumnShifts()
_SCALAR_TAGS = frozenset((_PLAIN, _TEXT, *(f"{_STANDARD}{name}" for name in ("str", "int", "float", "bool", "null"))))
_COLLECTION_TAGS = frozenset((_TEXT, _PLAIN, f"{_STANDARD}map", f"{_STANDARD}seq"))
_NULL = frozenset(("", "null", "Null", "NULL", "~"))
_BOOL = {text: text[0] in "tT" for text in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class _Resolver:
    """Replaces PyYAML's resolver: tells only whether a scalar was plain."""

    def descend_resolver(self, *_: Any) -> None: ...

    def ascend_resolver(self) -> None: ...

    def resolve(self, _kind: type, _value: Any, implicit: Any) -> str:
        return _PLAIN if isinstance(implicit, tuple) and implicit[0] else _TEXT


class _Pure(_Resolver, reader.Reader, scanner.Scanner, parser.Parser, composer.Composer):
    def __init__(self, text: str) -> None:
        reader.Reader.__init__(self, text)
        scanner.Scanner.__init__(self)
        parser.Parser.__init__(self)
        composer.Composer.__init__(self)


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _Composer(_Resolver, CParser): ...
else:  # pragma: no cover - depends on how PyYAML was built
    _Composer = _Pure  # type: ignore[assignment,misc]


class Rejected(Exception):
    """The text cannot become a tree; has the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read(text: str, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Parse one document. Return its tree (None if there is none) and its problems.

    ``file`` is the name in positions and problems.
    """
    text, back = replace_breaks(text)
    shifts = _IN_PLACE
    try:
        if _deepest(text) > _SAFE_DEPTH:
            _check_nesting(text, file)
        try:
            root = _Composer(text).get_single_node()
        except error.MarkedYAMLError:
            rewritten = join_surrogate_pairs(text, yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader)
            if rewritten is None:
                raise
            text, shifts = rewritten
            root = _Composer(text).get_single_node()
    except error.MarkedYAMLError as failure:
        return None, (_syntax_problem(failure, text, file, shifts),)
    except (error.YAMLError, RecursionError, ValueError) as failure:
        return None, (_unreadable_problem(failure, text, file),)
    except Rejected as rejected:
        return None, (rejected.problem,)
    if root is None:
        return None, ()
    builder = _Builder(file, text, shifts, back)
    try:
        return builder.node(root), limit_problems(builder.problems)[0]
    except Rejected as rejected:
        return None, (rejected.problem, *limit_problems(builder.problems)[0])


class _Builder:
    """Turns PyYAML's nodes into the tree. A collection with an anchor is built only once."""

    def __init__(
        self, file: str, text: str, shifts: ColumnShifts = _IN_PLACE, back: dict[int, str] | None = None
    ) -> None:
        self.file = file
        self._text = text
        self._shifts = shifts
        self._back = back or {}  # characters that replace others
        self.problems: list[Problem] = []
        self._built: dict[
            int, tuple[Node, int]
        ] = {}  # the node, and the number of values below it with aliases expanded
        self._open: set[int] = set()
        self._path: list[str | int] = []  # of the node that is being built
        self._size = 0

    def node(self, source: Any) -> Node:
        """The tree of one of PyYAML's nodes. Raises ``Rejected`` if it cannot become a tree."""
        if isinstance(source, nodes.ScalarNode):
            return self._scalar(source)
        known = self._built.get(id(source))
        if known is None:
            if id(source) in self._open:
                message, hint = "the alias is inside its own anchor", "write the value instead of the alias"
                raise Rejected(self._problem(source, "alias-loop", message, hint))
            before = self._size
            self._open.add(id(source))
            built = self._collection(source)
            self._open.discard(id(source))
            self._built[id(source)] = (built, self._size - before)
            return built
        self._grow(source, known[1])
        return known[0]

    def _grow(self, source: Any, count: int) -> None:
        self._size += count
        if self._size > BOUNDS.values:
            message = f"the file contains more than {BOUNDS.values:,} values once its aliases are expanded"
            raise Rejected(self._problem(source, "too-many-values", message, "use fewer aliases, or split the file"))

    def _collection(self, source: Any) -> Node:
        self._grow(source, len(source.value))
        if len(self._path) >= BOUNDS.nesting:
            raise Rejected(_nesting_problem(self._position(source)))
        if source.tag not in _COLLECTION_TAGS:
            self._unknown_tag(source)
        if isinstance(source, nodes.SequenceNode):
            items = tuple(self._below(index, item) for index, item in enumerate(source.value))
            return list_node(items, self._position(source))
        return self._unquoted(source) if _is_braces(source) else self._mapping(source)

    def _unquoted(self, source: Any) -> Scalar:
        """``{{ name }}`` without quotes, which YAML reads as a map in a map: report it, then use it as the text."""
        template = self._text[source.start_mark.index : source.end_mark.index].translate(self._back)
        self.problems.append(
            self._problem(source, "unquoted-template", f"{show(template)} has no quotes", _in_quotes(template))
        )
        return Scalar(template, template, self._position(source))

    def _below(self, step: str | int, source: Any) -> Node:
        self._path.append(step)
        built = self.node(source)
        self._path.pop()
        return built

    def _mapping(self, source: Any) -> MapNode:
        entries: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        for key, value in source.value:
            if self._back and isinstance(key, nodes.ScalarNode):
                key.value = key.value.translate(self._back)
            if not isinstance(key, nodes.ScalarNode):
                self.problems.append(
                    self._problem(key, "bad-key", "a key must be a single value", "write `key: value`")
                )
            elif key.value == "<<" and key.tag == _PLAIN:
                hint = "move what the jobs share to `defaults`"
                self.problems.append(self._problem(key, "merge-key", "merge keys (`<<`) are not supported", hint))
            elif "\0" in key.value:
                self.problems.append(self._problem(key, "bad-value", _NUL, "remove it; databases cannot store it"))
            elif key.value in keys:
                message = f"duplicate key `{key.value}` (first defined on line {keys[key.value].line})"
                hint = "remove one of the two"
                self.problems.append(self._problem(key, "duplicate-key", message, hint, key.value))
            else:
                if key.tag not in _SCALAR_TAGS:
                    self._unknown_tag(key, key.value)
                self._grow(key, len(key.value) // CHARACTERS)
                entries[key.value] = self._below(key.value, value)
                keys[key.value] = self._position(key)
        return map_node(entries, keys, self._position(source))

    def _scalar(self, source: Any) -> Scalar:
        text, tag = source.value, source.tag
        if self._back:
            text = text.translate(self._back)
        if len(text) >= CHARACTERS:
            self._grow(source, len(text) // CHARACTERS)
        if "\0" in text:
            self.problems.append(self._problem(source, "bad-value", _NUL, "remove it; databases cannot store it"))
        value: bool | int | float | str | None = text
        if tag == _PLAIN:
            value = core_value(text)
        elif tag == _TEXT:
            pass
        elif tag in _SCALAR_TAGS:
            value = text if tag.endswith(":str") else core_value(text)
        else:
            self._unknown_tag(source)
        dynamic = "$" in text and isinstance(value, str) and ("${{" in text or "${%" in text)
        return Scalar(value, text, self._position(source), dynamic, source.style in ("|", ">"))

    def _unknown_tag(self, source: Any, *below: str) -> None:
        message = f"the tag `{source.tag.replace(_STANDARD, '!!')}` is not supported"
        self.problems.append(self._problem(source, "unknown-tag", message, "write the value without a tag", *below))

    def _position(self, source: Any) -> Position:
        start = source.start_mark
        column = start.column if self._shifts is _IN_PLACE else self._shifts.column(start.line, start.column)
        return Position(self.file, start.line + 1, column + 1)

    def _problem(self, source: Any, code: Code, message: str, hint: str = "", *below: str) -> Problem:
        return Problem.at(self._position(source), (*self._path, *below), code, message, hint)


def core_value(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar by the core schema of YAML 1.2.

    Infinity and NaN, which JSON lacks, are text; so are integers that do not fit into 64 bits.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in "0123456789+-.":
        return text
    if _INT.fullmatch(text) and len(text) < 200:
        number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        return number if abs(number) <= BOUNDS.whole_number else text
    if _FLOAT.fullmatch(text) and isfinite(float(text)):
        return float(text)
    return text


def _deepest(text: str) -> int:
    """A quick upper bound of the nesting depth; most files never need the exact count.

    Without brackets, each level needs at least one more column.
    """
    return text.count("[") + text.count("{") + max(map(len, text.split("\n")))


def _check_nesting(text: str, file: str) -> None:
    """Reject text that is nested too deeply before anything recursive reads it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
            if depth > BOUNDS.nesting:
                position: Any = event.start_mark
                raise Rejected(_nesting_problem(Position(file, position.line + 1, position.column + 1)))
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1


def _nesting_problem(position: Position) -> Problem:
    message = f"nested more than {BOUNDS.nesting} levels deep"
    return Problem.at(position, (), "too-deep", message, "flatten the value")


def _is_braces(source: Any) -> bool:
    """Whether a map is in a map, with nothing between their brackets."""
    if len(source.value) != 1 or not source.flow_style:
        return False
    key = source.value[0][0]
    inner = isinstance(key, nodes.MappingNode) and key.flow_style
    return bool(inner and key.start_mark.index == source.start_mark.index + 1)


def _in_quotes(template: str) -> str:
    quote = '"' if '"' not in template else "'"
    example = "\n" not in template and quote not in template
    return "put the whole value in quotes" + (f", as {quote}{template}{quote}" if example else "")


_AFTER_QUOTE = re.compile(r".*[:-] +(\"[^\"]*\"|'[^']*') *")
_CURLY_QUOTES = re.compile("[\u2018\u2019\u201c\u201d\u201e]")
_SIMPLE = re.compile(r"[^][{},#:]*")  # a value that reaches to the end of its line


def _syntax_problem(failure: error.MarkedYAMLError, text: str, file: str, shifts: ColumnShifts) -> Problem:
    position: Any = failure.problem_mark or failure.context_mark
    line, column = (position.line + 1, shifts.column(position.line, position.column) + 1) if position else (1, 1)
    message = " ".join(part for part in (failure.problem, failure.context) if part)
    began: Any = failure.context_mark
    if began and began.line + 1 != line:
        message += f" that began on line {began.line + 1}"
    file_lines = lines(text.rstrip())
    if line > len(file_lines):  # the end of the file: point after its last character
        line, column = len(file_lines), len(file_lines[-1]) + 1
    line_text = file_lines[line - 1]
    if "\t" in line_text[: len(line_text) - len(line_text.lstrip())] or "'\\t'" in message:
        message, hint = "this line is indented with a tab", "indent with spaces; YAML does not allow tabs"
    elif wrong := explain(message, file_lines, line):
        message, hint = wrong
        column = len(line_text) - len(line_text.lstrip()) + 1
    elif braces := _BRACES.search(_QUOTED.sub("", line_text)):
        hint = _in_quotes(braces[0])
    elif "could not find expected ':'" in message and began:
        line, column = began.line + 1, shifts.column(began.line, began.column) + 1
        message = "this line has no `:` after its key"
        hint = "write `key: value`; if the line belongs to a text of several lines, indent it below its key"
    elif "mapping values are not allowed" in message and _CURLY_QUOTES.search(line_text):
        hint = "use straight quotes, not typographic quotes"
    elif "mapping values are not allowed" in message:
        hint = "quote a value that contains `: `, or check the indentation"
    elif "expected <document start>" in message or "expected a single document" in message:
        message, hint = "more than one document in the file", "remove the `---`; a file has one document"
    elif "start any token" in message or "scanning an alias" in message or "scanning an anchor" in message:
        if began and "start any token" not in message:  # the character before the position
            line_text, column = file_lines[began.line], shifts.column(began.line, began.column) + 1
            line = began.line + 1
        value = line_text[column - 1 :]
        message = f"a value that begins with `{value[:1]}` must have quotes"
        hint = _in_quotes(value) if _SIMPLE.fullmatch(value) else "put the whole value in quotes"
    elif "did not find expected key" in message and _AFTER_QUOTE.match(line_text[: column - 1]):
        message = "there is text after the closing quote"
        hint = "put quotes around the whole value; inside single quotes, write `''` for one quote"
    elif "parsing a flow node" in message:
        message, hint = "an item is missing here", "remove the extra comma"
    elif "scanning a quoted scalar" in message and "end of stream" in message:
        message = f"the quote that begins on line {began.line + 1 if began else line} is not closed"
        hint = "close the quote at the end of the value"
    elif began and ("parsing a flow mapping" in message or "parsing a flow sequence" in message):
        opening, closing = ("{", "}") if "mapping" in message else ("[", "]")
        message = f"the `{opening}` on line {began.line + 1} is not closed, or a comma is missing before this position"
        hint = f"add `{closing}` or `,`"
    else:
        hint = "check the indentation, quotes and brackets above this position"
    return Problem(file, line, column, "yaml-syntax", message, hint=hint)


def _unreadable_problem(failure: Exception, text: str, file: str) -> Problem:
    position = getattr(failure, "position", None)
    if isinstance(position, int) and position >= 0:
        before = text[:position]
        line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    else:
        line, column = 1, 1
    return Problem(
        file, line, column, "yaml-syntax", f"not valid YAML: {str(failure).splitlines()[0]}",
        hint="remove control characters; write them as escapes in double quotes",
    )  # fmt: skip
