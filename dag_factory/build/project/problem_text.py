"""Problems as text for a person: in Airflow's Import Errors and in a task's log."""

from __future__ import annotations

from collections.abc import Sequence

from dag_factory.config.problems import Problem

MAX_PROBLEMS = 200  # in one text; Airflow stores it in its database and sends it to browsers
MAX_BYTES = 60_000  # of one text; MySQL stores at most 65,535


def problem_text(problems: Sequence[Problem], head: str) -> str:
    """Return ``head`` and the problems below it, as many as fit."""
    parts, left = [head], MAX_BYTES
    for problem in sorted(problems)[:MAX_PROBLEMS]:
        entry = _entry(problem)
        left -= len(entry.encode()) + 2
        if left < 0:
            break
        parts.append(entry)
    if len(problems) >= len(parts):
        parts.append(f"... and {len(problems) - len(parts) + 1} more: `dagf check` shows all of them.")
    return "\n\n".join(parts) + "\n"


def _entry(problem: Problem) -> str:
    lines = [f"{problem.location}: {problem.code}: {problem.message}"]
    if problem.path:
        lines.append(f"    at {problem.path}")
    if problem.hint:
        lines.append(f"    help: {problem.hint}")
    return "\n".join(lines)
