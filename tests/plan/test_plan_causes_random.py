"""The cause of every changed field is a line that the edit changed, for random edits of pipelines and tables."""

from __future__ import annotations

import difflib
import random
from pathlib import Path
from typing import Any

import edits
import yaml

from dag_factory.plan.comparison.compare import compare
from dag_factory.plan.judge import locate_causes

EDITS = 40


def text_of(data: Any) -> str:
    """The text of a file with one value a line."""
    return data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False, width=2000)


def write(files: edits.Files, home: Path) -> None:
    for name, data in files.items():
        path = home / "configs" / (name if name.endswith(".j2") else f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(data), "utf-8")


def changed_lines(before: Path, after: Path) -> tuple[set[int], set[int]]:
    """The numbers of the lines that only one of two files has."""
    texts = [path.read_text("utf-8").split("\n") if path.exists() else [] for path in (before, after)]
    lines: tuple[set[int], set[int]] = (set(), set())
    for kind, first, last, new_first, new_last in difflib.SequenceMatcher(None, *texts, False).get_opcodes():
        if kind != "equal":
            lines[0].update(range(first + 1, last + 1))
            lines[1].update(range(new_first + 1, new_last + 1))
    return lines


def test_the_cause_is_a_line_of_the_edit(tmp_path: Path) -> None:
    chance, files = random.Random(20261201), edits.project()
    count = 0
    for number in range(EDITS):
        edited, what = edits.edit(files, chance)
        before, after = tmp_path / f"{number}-before", tmp_path / f"{number}-after"
        write(files, before)
        write(edited, after)
        compared = compare(before, after, ("dev",))
        if compared.problems.new:
            continue
        for located in locate_causes(compared, before, after):
            for key in located.fields:
                cause = located.causes.get(key)
                assert cause, (what, key)
                side = 1 if cause.side == "after" else 0
                assert cause.line in changed_lines(before / cause.file, after / cause.file)[side], (what, key, cause)
                count += 1
        files = edited
    assert count > EDITS / 2
