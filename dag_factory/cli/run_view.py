"""How `dagf run` shows a run: a live tree on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from dag_factory.cli import terminal
from dag_factory.config.model import Job, Pipeline
from dag_factory.local.runs.task_logs import LogLine, clean
from dag_factory.local.runs.watch import TaskRun

_STYLES = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "running": "cyan",
    "up_for_retry": "yellow",
    "skipped": "magenta",
}
_WORDS = {
    "up_for_retry": "waits for retry",
    "upstream_failed": "not run",
    "restarting": "restarts",
    "up_for_reschedule": "waits for retry",
    "removed": "not run",
}
_SILENT = ("waiting", "scheduled", "queued", "deferred", "removed")
_MOST_ROWS = 8  # of the mapped tasks of one job
_NOTE_STYLE, _LINE_STYLES = "dim", {"verdict": "red", "error": "red", "note": "dim"}
_NAME_COLORS = ("cyan", "magenta", "blue", "yellow", "green")
_MOST_OUTPUT = 300  # characters


class RunView:
    """The listener of a run. Use it as a context manager."""

    def __init__(self, pipeline: Pipeline, jobs: Sequence[str], console: Console) -> None:
        self._console = console
        self._jobs: dict[str, Job] = {job.name: job for job in pipeline.jobs if job.name in jobs}
        self._colors = {name: _NAME_COLORS[index % len(_NAME_COLORS)] for index, name in enumerate(self._jobs)}
        self._width = min(30, max(map(len, self._jobs), default=0))
        self._began: float | None = None
        self._is_live = console.is_terminal and not console.is_dumb_terminal
        self._live: Live | None = None
        self._step: Progress | None = None
        self._tasks: Sequence[TaskRun] = ()
        self.verdicts: dict[str, str] = {}

    def __enter__(self) -> RunView:
        if self._is_live:
            self._live = Live(console=self._console, auto_refresh=True, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def progress(self, text: str) -> None:
        """Show what is being prepared."""
        if self._live is None:
            terminal.note(text)
            return
        if not text.endswith("…"):  # a remark, which stays visible
            self._console.print(text, markup=False, soft_wrap=True)
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        if self._step is None:
            self._step = Progress(*columns)
            self._step.add_task(text, total=None)
        self._step.update(self._step.task_ids[0], description=text)
        self._live.update(self._step)

    def changed(self, task: TaskRun) -> None:
        """Print a line for the new state."""
        if task.verdict and task.state == "failed":
            self.verdicts[task.name] = task.verdict
        if task.state in _SILENT:
            return
        self._start_clock()
        job = self._jobs.get(task.job)
        facts = [job.flavor.name if job and task.state == "running" else ""]
        if task.state == "running" and task.tries > 1:
            facts.append(f"try {task.tries}")
        if task.state in ("success", "failed") and task.seconds is not None:
            facts.append(f"{task.seconds:.1f} s")
        line = Text(f"{self._seconds():7.1f} s  ", style="dim")
        line.append(f"{_word(task):<16}", style=_STYLES.get(task.state, ""))
        line.append(clean(task.name))
        shown = [fact for fact in facts if fact]
        line.append(f"  ({', '.join(shown)})" if shown else "", style="dim")
        self._console.print(line, soft_wrap=True)

    def logged(self, task: TaskRun, lines: Sequence[LogLine]) -> None:
        """Print lines of a log, each with the name of its job."""
        self._start_clock()
        if not self._is_live and self._console.no_color | (self._console.color_system is None):
            prefix = f"{clean(task.name):<{self._width}} | "
            self._console.file.write("".join(f"{prefix}{line.text}\n" for line in lines))
            self._console.file.flush()
            return
        text = Text()
        for line in lines:
            text.append(f"{clean(task.name):<{self._width}} | ", style=self._colors.get(task.job, ""))
            text.append(f"{line.text}\n", style=_LINE_STYLES.get(line.kind, ""))
        self._console.print(text, end="", soft_wrap=True)

    def updated(self, tasks: Sequence[TaskRun]) -> None:
        """Draw the tree again."""
        self._start_clock()
        self._tasks = tasks
        if self._live is not None:
            self._live.update(self._tree())

    def _start_clock(self) -> None:
        if self._began is None:
            self._began = time.monotonic()

    def _seconds(self) -> float:
        return time.monotonic() - (self._began or time.monotonic())

    def _tree(self) -> Group:
        counts = Counter(task.state for task in self._tasks)
        done = sum(counts[state] for state in ("success", "failed", "skipped", "upstream_failed"))
        root = Tree(Text(f"{self._seconds():.0f} s, {done} of {len(self._tasks)} finished", style="bold"))
        groups: dict[str, Tree] = {}
        room = max(5, self._console.height - 8)
        for name, job in list(self._jobs.items())[:room]:
            branch = _branch(root, groups, job.group)
            tasks = [task for task in self._tasks if task.job == name]
            if len(tasks) == 1 and tasks[0].map_index < 0:
                branch.add(_row(tasks[0], job))
            elif tasks:
                states = ", ".join(f"{n} {state}" for state, n in Counter(map(_word, tasks)).items())
                mapped = branch.add(Text.assemble(name, (f"  {job.flavor.name}  {states}", "dim")))
                active = [task for task in tasks if task.state == "running"][:_MOST_ROWS]
                for task in active:
                    mapped.add(_row(task, job))
        if len(self._jobs) > room:
            root.add(Text(f"and {len(self._jobs) - room} more jobs", style="dim"))
        return Group(Text(""), root)


def result_table(tasks: Sequence[TaskRun], pipeline: Pipeline) -> Table:
    """The jobs of a run that ended: name, flavor, state, tries, seconds."""
    flavors = {job.name: job.flavor.name for job in pipeline.jobs}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title, justify in (
        ("JOB", "left"),
        ("FLAVOR", "left"),
        ("STATE", "left"),
        ("TRIES", "right"),
        ("SECONDS", "right"),
    ):
        table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=True)
    for task in tasks:
        table.add_row(
            Text(clean(task.name)),
            flavors.get(task.job, ""),
            Text(_word(task), style=_STYLES.get(task.state, "")),
            str(task.tries or ""),
            "" if task.seconds is None else f"{task.seconds:.1f}",
        )
    return table


def output_text(value: Any) -> str:
    """An output in one line, shortened."""
    text = clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _MOST_OUTPUT else f"{text[:_MOST_OUTPUT]} … ({len(text):,} characters)"


def _branch(root: Tree, groups: dict[str, Tree], path: str | None) -> Tree:
    """The branch of a group, below those of the groups that contain it."""
    if not path:
        return root
    if path not in groups:
        parent, _, name = path.rpartition(".")
        groups[path] = _branch(root, groups, parent).add(Text(name, style="bold"))
    return groups[path]


def _row(task: TaskRun, job: Job) -> Text:
    seconds = task.seconds
    if task.state == "running" and task.started is not None:
        seconds = max(0.0, time.time() - task.started)
    parts = [
        job.flavor.name,
        "" if seconds is None else f"{seconds:.0f} s",
        f"try {task.tries}" if task.tries > 1 else "",
    ]
    row = Text(clean(task.name))
    row.append(f"  {_word(task)}", style=_STYLES.get(task.state, "dim"))
    row.append("".join(f"  {part}" for part in parts if part), style="dim")
    return row


def _word(task: TaskRun) -> str:
    return _WORDS.get(task.state, task.state)
