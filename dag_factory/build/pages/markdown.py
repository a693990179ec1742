"""Markdown in which no text of a user can break out of its place."""

from __future__ import annotations

import re
from functools import lru_cache

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKS = re.compile(r"([\\`*_\[\]<>|~#])")


@lru_cache(4096)  # the same flavors and jobs, again and again
def escape(text: str) -> str:
    """``text`` as a line of Markdown that reads just so."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


@lru_cache(4096)
def code(text: str) -> str:
    """``text`` as code within a line or a table's cell."""
    text = " ".join(text.split())
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", "\\|")


def fenced(text: str, language: str = "") -> str:
    """``text`` as a block of code, however many backticks are in it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def contained(markdown: str) -> str:
    """A user's Markdown that ends where it ends: an open fence is closed, no HTML block is begun."""
    lines: list[str] = []
    fence = ""
    for line in markdown.strip().splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence and line.lstrip().startswith("<"):
            line = line.replace("<", "\\<", 1)
        lines.append(line)
    if fence:
        lines.append(fence)
    return "\n".join(lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
