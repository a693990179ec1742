"""Make text of a project visible: characters that hide text, or change its order, become Python escapes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters without a glyph that Python calls printable."""
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_MARKS = 2  # combining marks on one character; more of them cover other lines
_COMMENT = re.compile("<!--")


@lru_cache(8192)
def visible(text: str) -> str:
    """Return the text in one line, with escapes for control, bidirectional, zero-width and invisible characters.

    The start of an HTML comment is escaped, too: it could imitate the marker of a comment.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escaped(text))
    return _COMMENT.sub(r"\\u003c!--", text)


def cut(text: str, longest: int) -> str:
    """Return the text with at most about ``longest`` characters, and how many are missing."""
    if len(text) <= longest + 20:  # not worth a count
        return text
    return f"{text[:longest]}… (+{len(text) - longest:,} characters)"


def _escaped(text: str) -> list[str]:
    parts: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        hidden = char in _INVISIBLE or any(ord(char) in one for one in _VARIATION_SELECTORS)
        if char.isprintable() and not hidden and marks <= _MARKS:
            parts.append(char)
        else:
            parts.append(char.encode("unicode_escape").decode())
    return parts
