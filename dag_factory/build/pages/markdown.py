"""Write user text into Markdown without changing the Markdown around it."""

from __future__ import annotations

import re
from functools import lru_cache

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")


@lru_cache(4096)  # the same flavors and jobs occur in many pages
def escape(text: str) -> str:
    """Return ``text`` as one line of Markdown that shows it literally."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


@lru_cache(4096)
def code(text: str) -> str:
    """Return ``text`` as inline code."""
    text = " ".join(text.split())
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def fenced(text: str, language: str = "") -> str:
    """Return ``text`` as a code block, even if it contains backticks."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def contained(markdown: str) -> str:
    """Return a user's Markdown that cannot affect what follows: fences are closed, and HTML blocks are escaped."""
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
