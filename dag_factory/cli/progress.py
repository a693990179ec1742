"""What a slow command is doing, on standard error: one line for each step, and on a terminal how long it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dag_factory.cli import terminal

if TYPE_CHECKING:  # slow to import
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


@dataclass
class Steps:
    """``report`` starts the next step. Without a terminal, each step is a line.

    A text that ends with ``…`` is a step; any other is a remark, which stays visible.
    """

    _display: RichProgress | None = None
    _task: TaskID | None = None
    _began: float = field(default_factory=time.monotonic)

    def report(self, text: str) -> None:
        """Say what happens now."""
        if self._display is None:
            terminal.note(text)
        elif not text.endswith("…"):
            self._display.console.print(text, markup=False, soft_wrap=True)
        elif self._task is None:
            self._task = self._display.add_task(text, total=None)
        else:
            self._display.update(self._task, description=text)

    @property
    def seconds(self) -> float:
        """The time since the first step."""
        return time.monotonic() - self._began


@contextmanager
def steps() -> Iterator[Steps]:
    """Show the steps for the length of the block."""
    console = terminal.console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Steps()
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as display:
        yield Steps(display)
