"""Make a comment harmless that claims to come from ``dagf plan``. It may be forged.

``dag_factory.scaffold.ci.workflows`` copies this module into workflow files, so it needs nothing but Python.
"""

from __future__ import annotations

import re

MARKER = "<!-- dagf plan: . -->"  # of the project; a workflow has that of its own project
OLD_MARKER = "<!-- dagf plan -->"  # of all projects, in earlier versions
LONGEST = 60_000  # bytes; GitHub accepts 65,536 characters
NOTE = "Some lines of this plan are not as `dagf plan` writes them. They are shown as code."
CUT = "The plan is too long for a comment and was cut here."

CODE = re.compile(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)")
PROSE = re.compile(r"(?! *[/=])[A-Za-z0-9 ,.;:?()'*/→×–…-]*")  # no quick action of GitLab
HEADING = re.compile(r" {0,3}#{1,6} ")
REFERENCE = re.compile(r"://|www\.|[0-9a-fA-F]{7,}|\w-\d", re.IGNORECASE)
SUMMARY = re.compile(r"<details(?: open)?><summary>((?:[^<>@]|<code>[^<>]*</code>)*)</summary>")
FENCE = re.compile(r"( *)(`{3,})diff")


def safe_comment(text: str) -> str:
    """Return a comment in which text makes no mention, link, image, reference or HTML.

    The lines that ``dagf plan`` writes stay as they are. Any other line becomes inline code.
    """
    text = re.sub(r"\A<!-- dagf plan(?:: [A-Za-z0-9._/%]+)? -->", "", text)
    lines = [visible(line) for line in text.split("\n")]
    found: list[str] = []
    forged = False
    while lines:
        block = fenced_block(lines)
        if block:
            # After a line of text, an indented block is a part of its paragraph, which a line of spaces would end.
            found += ["", *block] if any(not line.strip() for line in block) else block
            del lines[: len(block)]
            continue
        line = lines.pop(0)
        if is_html(line):
            found += [line, ""]  # without an empty line, the next lines would be HTML, too
        elif is_harmless(line):
            found.append(line)
        else:
            found.append(as_code(line))
            forged = True
    body = cut("\n".join(found).strip("\n"))
    return "\n".join((MARKER, *([NOTE, ""] if forged else []), body)) + "\n"


def visible(text: str) -> str:
    """Return the text without characters that cannot be seen, such as those that change its direction."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text.rstrip("\r"))


def fenced_block(lines: list[str]) -> list[str]:
    """Return the lines of a whole block of code at the start of these lines, or nothing."""
    start = FENCE.fullmatch(lines[0])
    if not start:
        return []
    indent, end = start[1], start[1] + start[2]
    for number, line in enumerate(lines[1:], 1):
        if line == end:
            return lines[: number + 1]
        if not line.startswith(indent) or start[2] in line:
            return []  # such a line could end the block, or the list around it
    return []


def is_html(line: str) -> bool:
    """Whether the line begins or ends folded details."""
    summary = SUMMARY.fullmatch(line)
    words = re.sub("<code>[^<>]*</code>", "", summary[1]) if summary else ""
    return line == "</details>" or (summary is not None and not REFERENCE.search(words) and "#" not in words)


def is_harmless(line: str) -> bool:
    """Whether everything outside of inline code is prose."""
    rest = CODE.sub("", HEADING.sub("", line, count=1))
    return PROSE.fullmatch(rest) is not None and not REFERENCE.search(rest)


def as_code(line: str) -> str:
    """Return the line as inline code."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    return f"{ticks} {line.strip()} {ticks}"


def cut(body: str) -> str:
    """Return as many whole lines as fit. An open block of code or open details are closed."""
    size = 0
    kept: list[str] = []
    for line in body.split("\n"):
        size += len(line.encode("utf-8", "replace")) + 1
        if size > LONGEST:
            fences = [one for one in kept if FENCE.fullmatch(one) or re.fullmatch(" *`{3,}", one)]
            opened = FENCE.fullmatch(fences[-1]) if fences else None
            kept += [opened[1] + opened[2]] if opened else []
            open_details = sum(SUMMARY.fullmatch(one) is not None for one in kept) > kept.count("</details>")
            kept += ["", "</details>"] if open_details else []
            return "\n".join((*kept, "", CUT))
        kept.append(line)
    return body
