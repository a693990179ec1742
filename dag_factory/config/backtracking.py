"""Texts that a regular expression of Python may take for ever to refuse.

Python tries one way after the other to match. Where a repetition stands in another, or its alternatives overlap, a
text of thirty characters has a thousand million ways. Whether it does is found out by trying: here are the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

try:
    from re import _constants as ops  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]
except ImportError:  # Python 3.10
    import sre_constants as ops
    import sre_parse as parser

_TIMES = 40  # two to the fortieth are hours; forty to the third is a moment
_FEW = 5  # a repetition of fewer is harmless: forty to the fourth
_TEXTS = 500  # of one pattern
_LENGTH = 60  # characters of a part of a text
_ENDS = ("\n\0", "!", ",,")  # what most repetitions do not take
_CHARACTERS = 12  # of the pattern's own: what is not taken may be just what it leaves out
_REPEATS = {ops.MAX_REPEAT, ops.MIN_REPEAT}
_LOOKS = {ops.ASSERT, ops.ASSERT_NOT}
_INNER = {*_LOOKS, ops.SUBPATTERN}
_CATEGORIES: dict[Any, str] = {ops.CATEGORY_DIGIT: "0", ops.CATEGORY_SPACE: " ", ops.CATEGORY_NOT_WORD: "-"}

Parsed = Sequence[tuple[Any, Any]]


def texts(pattern: str) -> Iterator[str]:
    """Texts to try. Raises ``re.error``, ``OverflowError`` or ``RecursionError`` for what Python cannot read."""
    return islice(_texts(pattern), _TEXTS)


def _texts(pattern: str) -> Iterator[str]:
    parsed = parser.parse(pattern)
    own = islice(dict.fromkeys(_characters(parsed)), _CHARACTERS)
    ends = dict.fromkeys([*_ENDS, *(char * times for char in own for times in (2, 1))])
    for before, body in _repeated(parsed, ""):
        for piece in dict.fromkeys(_pieces(body)):
            for end in ends if piece else ():
                yield before + piece * _TIMES + end


def _characters(parsed: Parsed) -> Iterator[str]:
    """What the pattern names: what a class leaves out is among them."""
    for op, what in parsed:
        if op in (ops.LITERAL, ops.NOT_LITERAL):
            yield chr(what)
        elif op is ops.IN:
            yield from (_one_of([member]) for member in what if member[0] is not ops.NEGATE)
        for below in _below(op, what):
            yield from _characters(below)


def _repeated(parsed: Parsed, before: str) -> Iterator[tuple[str, Parsed]]:
    """What the pattern may repeat many times, each with a text that leads there."""
    for op, what in parsed:
        if op in _REPEATS and what[1] >= _FEW:
            yield before, what[2]
        for below in _below(op, what):
            yield from _repeated(below, before)
        before = (before + _sample(op, what, 1))[-_LENGTH:]


def _pieces(body: Parsed) -> Iterator[str]:
    """Texts that what is repeated takes once: as little as it can, all that it can, and each of its parts alone."""
    yield _samples(body, 0)
    yield _samples(body, 1)
    for op, what in body:
        for below in _below(op, what):
            yield from _pieces(below)


def _below(op: Any, what: Any) -> Iterator[Parsed]:
    if op in _REPEATS:
        yield what[2]
    elif op is ops.BRANCH:
        yield from what[1]
    elif op in _INNER:
        yield what[-1]


def _samples(parsed: Parsed, optional: int) -> str:
    return "".join(_sample(op, what, optional) for op, what in parsed)[:_LENGTH]


def _sample(op: Any, what: Any, optional: int) -> str:
    """A text that one part of a pattern takes, what may be missing ``optional`` times."""
    if op is ops.LITERAL:
        return chr(what)
    if op in _REPEATS:
        times: int = min(max(what[0], optional), what[1], _LENGTH)
        return (_samples(what[2], optional) * times)[:_LENGTH]
    if op is ops.IN:
        return _one_of(what)
    if op in (ops.ANY, ops.NOT_LITERAL):
        return "b" if what == ord("a") else "a"
    return "" if op in _LOOKS else _samples(next(_below(op, what), ()), optional)


def _one_of(members: Parsed) -> str:
    op, what = members[0]
    if op is ops.RANGE:
        return chr(what[0])
    return chr(what) if op is ops.LITERAL else _CATEGORIES.get(what, "a")
