"""Every snippet of the guides is what it says: files compile, commands print what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from snippets import ROOT, Block, Story, blocks, project

from dag_factory.config import open_project

PAGES = sorted([*(ROOT / "docs").glob("guide-*.md"), ROOT / "docs" / "layers.md", ROOT / "docs" / "templates.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_true(page: Path, tmp_path: Path) -> None:
    story = Story(project(tmp_path))
    found = list(blocks(page))
    assert found
    for block in found:
        story.take(block)


def test_the_layers_give_what_the_page_says(tmp_path: Path) -> None:
    story = Story(project(tmp_path))
    told: list[Block] = []
    for block in blocks(ROOT / "docs" / "layers.md"):
        story.take(block)
        told += [block] * (block.word == "result")
    compiled = open_project(story.home, "staging").compile_one("growth.layers")
    [pipeline] = compiled.pipelines
    train = next(job for job in pipeline.jobs if job.name == "train")
    assert pipeline.tags == ("staging", "growth")
    assert train.retries.count == 5
    wanted = dict(line.split(": ") for line in told[0].text.splitlines()[1:])
    assert {variable.name: variable.value for variable in train.env} == wanted
