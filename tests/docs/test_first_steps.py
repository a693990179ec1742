"""The first steps work in an empty folder, as the page says."""

from __future__ import annotations

from pathlib import Path

from snippets import ROOT, Story, blocks


def test_the_first_steps_are_true(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for block in blocks(ROOT / "docs" / "first-steps.md"):
        story.take(block)
    assert (tmp_path / "images/growth/churn/main.py").read_text("utf-8").startswith('"""The jobs of the pipeline')
