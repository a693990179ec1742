"""Access to the parser of Python's regular expressions, whose names are private, and matchers for single nodes.

Python 3.11 moved the names and added atomic groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

try:
    from re import _compiler as compiler  # type: ignore[attr-defined]
    from re import _constants as ops  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]
except ImportError:  # Python 3.10
    import sre_compile as compiler
    import sre_constants as ops
    import sre_parse as parser

OPS: Any = ops
"""The operations of the parser."""
Nodes = Any
"""A parsed pattern: pairs of an operation and its arguments."""

CHARACTERS = frozenset({ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN})
LAZY = ops.MIN_REPEAT
POSSESSIVE = getattr(ops, "POSSESSIVE_REPEAT", None)
ATOMIC = getattr(ops, "ATOMIC_GROUP", None)
REPEATS = frozenset({ops.MAX_REPEAT, LAZY, *([POSSESSIVE] if POSSESSIVE else [])})
LOOKS = frozenset({ops.ASSERT, ops.ASSERT_NOT})
_TYPES = re.ASCII | re.LOCALE | re.UNICODE


@lru_cache(512)
def parse(pattern: str) -> Nodes:
    """The parsed pattern. Raises ``re.error``, ``OverflowError`` or ``RecursionError`` if Python cannot parse it."""
    re.compile(pattern)
    return parser.parse(pattern)


def flags_below(flags: int, added: int, removed: int) -> int:
    """The flags inside a group such as ``(?i:...)``."""
    return ((flags & ~_TYPES if added & _TYPES else flags) | added) & ~removed


def single(op: Any, argument: Any, flags: int) -> Callable[[str, int], Any]:
    """A matcher of one node at an index of a text. The node is a class of characters, or an assertion such as ``$``."""
    return _single(repr((op, argument)), flags, _Node(op, argument))


class _Node:
    """One node. All nodes are equal, so that the cache uses only the text of the node as its key."""

    def __init__(self, op: Any, argument: Any) -> None:
        self.item = (op, argument)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Node)

    def __hash__(self) -> int:
        return 0


@lru_cache(2048)
def _single(_text: str, flags: int, node: _Node) -> Callable[[str, int], Any]:
    state = parser.State()
    state.flags = flags
    match: Callable[[str, int], Any] = compiler.compile(parser.SubPattern(state, [node.item]), 0).match
    return match
