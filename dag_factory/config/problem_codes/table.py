"""The table of all problem codes. The compiler does not import it; it needs the type ``Code`` only."""

from __future__ import annotations

from dag_factory.config.problem_codes import expressions, files, pipelines, platform, project, templates, values
from dag_factory.config.problem_codes.entry import Entry, Section

SECTIONS: tuple[Section, ...] = (
    files.SECTION,
    values.SECTION,
    pipelines.SECTION,
    expressions.SECTION,
    templates.SECTION,
    platform.SECTION,
    project.SECTION,
)


def entries() -> dict[str, Entry]:
    """Every entry, by its code."""
    return {entry.code: entry for section in SECTIONS for entry in section.entries}
