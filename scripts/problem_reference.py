"""Write ``docs/problems.md`` and the type ``Code`` from the table of problem codes. Run it with ``make docs``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dag_factory.config.problem_codes import table  # noqa: E402
from dag_factory.config.problem_codes.entry import Section  # noqa: E402

PAGE = ROOT / "docs" / "problems.md"
TYPE = ROOT / "dag_factory" / "config" / "problem_codes" / "code.py"
INTRODUCTION = """\
<!-- Written by scripts/problem_reference.py from dag_factory/config/problem_codes/. Do not edit; run: make docs -->

# Problems

`dagf check`, CI and Airflow's Import Errors report the same problems. Each problem has a file, a line, a column, the
path of the value in the file, a code and a hint. Codes are stable: search for one on this page, or filter by it with
`dagf check --format json`.

All problems of all files are reported at once. A problem affects only its own pipeline, unless it is in a platform file
that the pipeline needs. Problems are errors unless their entry says that they are warnings. A warning does not stop a
pipeline from being built.
"""
DOCSTRING = '''\
"""The type of problem codes. Written by scripts/problem_reference.py from the table; do not edit; run: make docs."""

from __future__ import annotations

from typing import Literal

Code = Literal[
'''


def page() -> str:
    """The text of ``docs/problems.md``."""
    parts = [INTRODUCTION, *("\n".join(_section(section)) for section in table.SECTIONS)]
    return "\n".join(parts).rstrip("\n") + "\n"


def code_type() -> str:
    """The text of the module that defines ``Code``."""
    return DOCSTRING + "".join(f'    "{code}",\n' for code in sorted(table.entries())) + "]\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield "| Code | What it means | What to do |"
    yield "|---|---|---|"
    for entry in section.entries:
        yield f"| `{entry.code}` | {_cell(entry.meaning)} | {_cell(entry.fix)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    TYPE.write_text(code_type(), "utf-8")
