"""Make an addition, and say what changed and what to do next."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import report, terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.scaffold.additions.add import NotAdded, add
from dag_factory.scaffold.additions.addition import Addition


def finish(home: Path, addition: Addition) -> int:
    """Make the addition and print the next steps. Raises ``CouldNotRun`` if nothing could be added."""
    try:
        added = add(home, addition)
    except NotAdded as failure:
        reason = str(failure)
        if len(failure.problems) > 1:
            reason += f" (and {len(failure.problems) - 1} more)"
        raise CouldNotRun(f"{reason}{'' if reason.endswith('?') else '.'} Nothing was written") from failure
    for change in added.changes:
        terminal.write(change)
    for warning in added.warnings:
        terminal.note(report.line(warning))
    terminal.write("\nNext steps:")
    for number, step in enumerate(addition.steps, 1):
        terminal.write(f"{number}. {step}")
    return 0
