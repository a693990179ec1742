"""Suggestions for a word that is not known, and values as messages show them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from dag_factory.config import budget

_LISTED = 12  # known words in one message
_COMPARED = 100  # characters


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not known: the nearest one, or all of them where they are few."""
    options = sorted(known)
    near = nearest(word, options)
    if near:
        return f"did you mean `{near}`?"
    if not options:
        return "there is none yet"
    more = f" and {len(options) - _LISTED} more" if len(options) > _LISTED + 2 else ""
    return f"known: {', '.join(options[:_LISTED] if more else options)}{more}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was meant, or nothing; long ones are not compared, which takes the square of their length.

    Nothing either where one file has asked for more than ``BOUNDS.suggestion_words``.
    """
    if len(word) > _COMPARED:
        return ""
    words = [one for one in known if len(one) <= _COMPARED]
    if not budget.spend_words(len(words)):
        return ""
    return next(iter(difflib.get_close_matches(word, words, 1)), "")


def show(value: Any) -> str:
    """A value in a message: short, in back quotes."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    first = text.splitlines()[0] if text else ""
    return "the empty text" if text == "" else f"`{first[:57]}…`" if len(first) > 58 or first != text else f"`{text}`"
