"""A plan as a comment for a pull request: under a size limit, and safe for any text of the project.

The first line is a hidden marker. CI finds the comment of a project by it and replaces the text.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Iterator, Sequence

from dag_factory.plan.formats.contents import outline
from dag_factory.plan.formats.markdown_text import code, fenced, html_code, sentence
from dag_factory.plan.formats.outline import Item, Piece, Section, count
from dag_factory.plan.formats.visible import cut
from dag_factory.plan.formats.wording import pair_of
from dag_factory.plan.model import Plan

MARKER = "<!-- dagf plan: . -->"
"""The first line of the comment for a project in the root of its repository."""
LIMITS = {"github": 65_536, "gitlab": 1_000_000}
"""The longest comment of each host. The text is measured in bytes, which are never fewer than its characters."""
_LONGEST_ERROR = 4_000
_LONGEST_NAME = 400
_SUMMARY_LINES = 50
_OPEN_ITEMS = 3  # a section with at most so many items shows their details at once


def as_markdown(
    plan: Plan,
    limit: int = LIMITS["github"],
    failures: Sequence[str] = (),
    failing: Collection[str] = (),
    marker: str = MARKER,
) -> str:
    """Return the comment. What does not fit is counted.

    ``failures`` are our words: why the check of CI fails. ``failing`` are the kinds of risks that make it fail.
    ``marker`` is the hidden first line, which each project of a repository has for itself.
    """
    contents = outline(plan, failing)
    pair = pair_of(plan)
    title = f"How {code(pair[1])} differs from {code(pair[0])}" if pair else "What this change does"
    head = [marker, f"## {title}", ""]
    first, *others = contents.summary
    head += [f"**{_line(first.pieces)}**", ""]
    if failures:
        head += [f"**This change fails the check: {', '.join(failures)}.**", ""]
    head += [f"- {_line(item.pieces)}" for item in others[:_SUMMARY_LINES]]
    if len(others) > _SUMMARY_LINES:
        head.append(f"- … and {count(len(others) - _SUMMARY_LINES, 'more environment')}")
    foot = ["", "---", *(f"{_line(pieces)}  " for pieces in contents.facts)]
    free = limit - _size(head) - _size(foot) - sum(_size(_heading(one)) + 200 for one in contents.sections)
    body: list[str] = []
    for section in contents.sections:
        lines, used = _fitting(section, int(free * section.share))
        body += [*_heading(section), *lines]
        free -= used
    return "\n".join((*head, *body, *foot)) + "\n"


def failed_as_markdown(error: str, version: str, marker: str = MARKER) -> str:
    """Return the comment for a plan that could not be made. It replaces the comment of an earlier plan."""
    lines = (
        marker,
        "## What this change does",
        "",
        "**The plan could not be made, so this comment says nothing about the change.**",
        "",
        *(f"- {sentence(line)}" for line in cut(error, _LONGEST_ERROR).splitlines() if line.strip()),
        "",
        "---",
        f"dagf {code(version)}. The log of the CI job has the whole message.",
    )
    return "\n".join(lines) + "\n"


def _heading(section: Section) -> list[str]:
    title = f"{section.title} ({len(section.items):,})" if len(section.items) > 1 else section.title
    note = ["", _line(section.note)] if section.note else []
    return ["", f"### {title}", *note, ""]


def _fitting(section: Section, free: int) -> tuple[list[str], int]:
    """Return the lines of the first items that fit, with the number of those that do not, and the size of all."""
    lines: list[str] = []
    used = 0
    for number, item in enumerate(section.items):
        found = _folded(item, len(section.items) <= _OPEN_ITEMS) if section.folded else [*_item(item, "")]
        if used + _size(found) > free and section.folded and item.children:
            found = [f"- {_line(item.pieces)}", "  - the details are too long for this comment; run: `dagf plan`"]
        if used + _size(found) > free:
            rest = count(len(section.items) - number, f"more {section.noun}")
            lines.append(f"- … and {rest}, too long for this comment; to see all, run: `dagf plan`")
            break
        lines += found
        used += _size(found)
    return lines, used


def _folded(item: Item, is_open: bool) -> list[str]:
    if not item.children:
        return [*_item(item, "")]
    summary = f"<details{' open' if is_open else ''}><summary>{_html_line(item.pieces)}</summary>"
    children = [line for child in item.children for line in _item(child, "")]
    return [summary, "", *children, "", "</details>", ""]


def _item(item: Item, indent: str) -> Iterator[str]:
    yield f"{indent}- {_line(item.pieces)}"
    if item.diff:
        yield from fenced(item.diff, f"{indent}  ")
    for child in item.children:
        yield from _item(child, f"{indent}  ")


def _line(pieces: Iterable[Piece]) -> str:
    text = ""
    for piece in pieces:
        part = _piece(piece)
        text += f" {part}" if text.endswith("`") and part.startswith("`") else part
    return text


def _piece(piece: Piece) -> str:
    if piece.role == "words":
        return piece.text.replace("  ", " ")
    if piece.role == "strong":
        return f"**{code(piece.text)}**"
    return (
        sentence(cut(piece.text, _LONGEST_ERROR)) if piece.role == "sentence" else code(cut(piece.text, _LONGEST_NAME))
    )


def _html_line(pieces: Iterable[Piece]) -> str:
    return "".join(
        html.escape(one.text) if one.role == "words" else html_code(cut(one.text, _LONGEST_NAME)) for one in pieces
    )


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
