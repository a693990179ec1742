"""Read back what the page of a DAG says about its state: Airflow stores the page, and nothing else of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dag_factory.build.pages.dag_page import CONFIGURATION_HEAD, DELETED_HEAD, LAST_GOOD_HEAD, STOPPED_HEAD

_ESCAPED = re.compile(r"\\([\\`*_\[\]<>|~#])")
_OFF = re.compile(r"^The schedule is off in this environment: `([^`]+)`", re.MULTILINE)
_DEFINED = re.compile(r"^Defined in `([^`]+)`, for the environment `([^`]+)`", re.MULTILINE)


@dataclass(frozen=True)
class PageFacts:
    """The reasons why the DAG is stopped, or why its last good version runs; the file that turns its schedule off.

    ``deleted`` is the reason why the DAG ends.
    """

    stopped: tuple[str, ...] = ()
    last_good: tuple[str, ...] = ()
    off_in: str = ""
    file: str = ""
    environment: str = ""
    deleted: str = ""


def read_page(markdown: str) -> PageFacts:
    """Return the facts of a page that ``dag_page`` wrote. The state comes first there, before any text of a user."""
    markdown = markdown.partition(CONFIGURATION_HEAD)[0]
    off, defined = _OFF.findall(markdown), _DEFINED.findall(markdown)
    file, environment = defined[-1] if defined else ("", "")
    parts = markdown.split("\n\n")
    deleted = ""
    if parts[0].startswith(f"{DELETED_HEAD}: "):
        deleted = _unescape(parts[0].partition(": ")[2])
        parts = parts[2:]
    found: dict[str, tuple[str, ...]] = {}
    while len(parts) > 1 and (head := next((one for one in (STOPPED_HEAD, LAST_GOOD_HEAD) if one in parts[0]), "")):
        found[head] = tuple(_unescape(line[2:]) for line in parts[1].splitlines() if line.startswith("- "))
        parts = parts[2:]
    return PageFacts(
        stopped=found.get(STOPPED_HEAD, ()),
        last_good=found.get(LAST_GOOD_HEAD, ()),
        off_in=off[-1] if off else "",
        file=file,
        environment=environment,
        deleted=deleted,
    )


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
