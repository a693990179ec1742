"""Problems as text for a person: the report's row in Import Errors, and a task's log."""

from __future__ import annotations

from collections.abc import Sequence

from dag_factory.config.problems import Problem

SHOWN = 200  # problems in one report; the row is stored in Airflow's database and sent to browsers
LONGEST = 60_000  # bytes of it, of which MySQL takes 65,535


def problem_text(problems: Sequence[Problem], head: str) -> str:
    """The problems for a person to read, one after the other under ``head``."""
    parts, left = [head], LONGEST
    for problem in sorted(problems)[:SHOWN]:
        entry = _entry(problem)
        left -= len(entry.encode()) + 2
        if left < 0:
            break
        parts.append(entry)
    if len(problems) >= len(parts):
        parts.append(f"... and {len(problems) - len(parts) + 1} more: `dagf check` shows all of them.")
    return "\n\n".join(parts) + "\n"


def _entry(problem: Problem) -> str:
    lines = [f"{problem.place}: {problem.code}: {problem.message}"]
    if problem.path:
        lines.append(f"    at {problem.path}")
    if problem.hint:
        lines.append(f"    help: {problem.hint}")
    return "\n".join(lines)
