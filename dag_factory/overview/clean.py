"""Text for a terminal."""

from __future__ import annotations


def clean(text: str) -> str:
    """The whole text, with a replacement character for each one that could control a terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
