"""Write hostile text into GitHub's and GitLab's Markdown, where it can do nothing.

Plain words of ASCII letters stay as they are. Everything else is inline code: in code, no host makes mentions, links,
references to issues or commits, HTML or images. A word that looks like a commit is code, too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from dag_factory.plan.formats.visible import visible

_QUOTED = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_WORD = re.compile(r"\(?[A-Za-z]+(?:'[a-z]+)?\)?[,.;:?]?|\d{1,6}[,;:]?|[→×–]|[,.;:?)]+|\(")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,}\W*")
_END = re.compile(r"[,.;:?)]*\Z")


def code(text: str) -> str:
    """Return the text as inline code in one line."""
    text = visible(text)
    if not text:
        return '`""`'
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text[0] in " `" or text[-1] in " `" else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def sentence(text: str) -> str:
    """Return prose with names in backticks: its plain words as text, and everything else as inline code."""
    parts: list[str] = []
    unsafe, ends_quoted = "", False
    for token, is_code, is_quoted in _tokens(visible(text)):
        if is_code or (unsafe and not token.isspace()):
            unsafe += token  # adjacent inline code would be one piece with other limits
            ends_quoted = is_quoted
        elif unsafe:
            parts += [*_code_and_end(unsafe, ends_quoted), token]
            unsafe = ""
        else:
            parts.append(token)
    return "".join((*parts, *_code_and_end(unsafe, ends_quoted)))


def html_code(text: str) -> str:
    """Return the text as inline code in HTML, for a place without Markdown."""
    return f"<code>{html.escape(visible(text))}</code>"


def fenced(lines: tuple[str, ...], indent: str) -> list[str]:
    """Return the lines of a difference as a code block, each with an indent."""
    shown = [visible(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{indent}{line}" for line in (f"{fence}diff", *shown, fence)]


def _tokens(text: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield quoted names, spaces and words, each with whether it must be code, and whether it has quotes."""
    for number, part in enumerate(_QUOTED.split(text)):
        if number % 2:
            yield part, True, True
            continue
        for token in filter(None, re.split("( +)", part)):
            plain = token.isspace() or (_WORD.fullmatch(token) and not _COMMIT.fullmatch(token))
            yield (" " if token.isspace() else token), not plain, False


def _code_and_end(text: str, ends_quoted: bool) -> tuple[str, ...]:
    """Return the text as code, and the punctuation at its end as text, unless it is in quotes."""
    end = None if ends_quoted else _END.search(text)
    length = len(text) - len(end[0]) if end else len(text)
    return (code(text[:length]), text[length:]) if length else (text,)
