"""A plan as text for a terminal, at most 100 columns wide unless one name is longer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from dag_factory.plan.formats.contents import outline
from dag_factory.plan.formats.outline import Item, Piece, Tone
from dag_factory.plan.formats.visible import visible
from dag_factory.plan.model import Plan

Paint = Callable[[str, Tone], str]
"""Returns the text with the terminal codes of a tone."""
WIDTH = 100


def plain(text: str, _tone: Tone) -> str:
    """Return the text without color."""
    return text


def as_text(plan: Plan, paint: Paint = plain, failing: Collection[str] = ()) -> str:
    """Return the whole plan as text. ``failing`` are the kinds of risks that fail the check."""
    contents = outline(plan, failing)
    lines = [*(_wrapped(pieces, 0, paint) for pieces in contents.facts), ""]
    lines += (_wrapped(item.pieces, 2 if number else 0, paint) for number, item in enumerate(contents.summary))
    for section in contents.sections:
        title = f"{section.title} ({len(section.items):,})" if len(section.items) > 1 else section.title
        lines += ["", paint(title, section.tone or "strong")]
        if section.note:
            lines.append(_wrapped(section.note, 2, paint))
        for item in section.items:
            lines += _item(item, 2, paint)
            if item.children and section.folded:
                lines.append("")
        if not lines[-1]:
            lines.pop()
    return "\n".join(lines) + "\n"


def _item(item: Item, indent: int, paint: Paint) -> Iterator[str]:
    yield _wrapped(item.pieces, indent, paint)
    for line in item.diff:
        tone: Tone = "added" if line.startswith("+") else "removed" if line.startswith("-") else ""
        yield " " * (indent + 2) + paint(visible(line), tone)
    for child in item.children:
        yield from _item(child, indent + 2, paint)


def _wrapped(pieces: Iterable[Piece], indent: int, paint: Paint) -> str:
    """Return the pieces in lines of at most ``WIDTH`` columns; the second line and later ones have a larger indent."""
    lines, line, column = [], " " * indent, indent
    for word, spaces in _words(pieces):
        length = sum(len(text) for text, _ in word)
        if column + spaces + length > WIDTH and column > indent:
            lines.append(line)
            line, column = " " * (indent + 4), indent + 4
        else:
            line, column = line + " " * spaces, column + spaces
        line += "".join(paint(text, tone) if tone else text for text, tone in word)
        column += length
    return "\n".join((*lines, line))


def _words(pieces: Iterable[Piece]) -> Iterator[tuple[Sequence[tuple[str, Tone]], int]]:
    """Yield words with the number of spaces before them. A word has parts with tones."""
    word: list[tuple[str, Tone]] = []
    spaces = 0
    for piece in pieces:
        for number, part in enumerate(visible(piece.text).split(" ")):
            if number:
                if word:
                    yield word, spaces
                    word, spaces = [], 0
                spaces += 1
            if part:
                word.append((part, piece.tone or ("strong" if piece.role == "strong" else "")))
    if word:
        yield word, spaces
