"""Suggestions for unknown names, and values in messages."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from dag_factory.config import budget

_MAX_LISTED = 12  # known names in one hint
_TIE = 0.03  # names whose likeness differs by less are equally close
_MAX_LENGTH = 100  # characters of a name that is compared


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the closest known name, or a list of the known names. Empty if none is known."""
    options = sorted(known)
    near = nearest(word, options)
    if near:
        also = _as_near(word, near, options)
        return f"did you mean `{near}` or `{also}`?" if also else f"did you mean `{near}`?"
    if not options:
        return ""
    more = f" and {len(options) - _MAX_LISTED} more" if len(options) > _MAX_LISTED + 2 else ""
    return f"use one of: {', '.join(options[:_MAX_LISTED] if more else options)}{more}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The closest known name, or nothing. Long names are not compared, since that takes quadratic time.

    Nothing either if one file needs more comparisons than ``BOUNDS.suggestion_words``.
    """
    if len(word) > _MAX_LENGTH:
        return ""
    words = [one for one in known if len(one) <= _MAX_LENGTH]
    if not budget.spend_words(len(words)):
        return ""
    close = difflib.get_close_matches(word, words, 1)
    longer = [one for one in words if len(word) > 2 and one.startswith(word)]
    return close[0] if close else longer[0] if len(longer) == 1 else ""


def _as_near(word: str, near: str, options: Iterable[str]) -> str:
    """Another known name that is about as close, or nothing."""
    others = [one for one in options if len(one) <= _MAX_LENGTH and one != near]
    close = difflib.get_close_matches(word, others, 1) if budget.spend_words(len(others)) else []
    return close[0] if close and _ratio(word, near) - _ratio(word, close[0]) < _TIE else ""


def _ratio(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, word).ratio()


def show(value: Any) -> str:
    """A value for a message: short, in backticks."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    first = text.splitlines()[0] if text else ""
    return "the empty text" if text == "" else f"`{first[:57]}…`" if len(first) > 58 or first != text else f"`{text}`"
