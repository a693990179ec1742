from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_jobs import IMAGES

FOLDERS = sorted(path.parent for path in IMAGES.glob("*/Dockerfile"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_dockerfile_matches_how_the_local_cluster_runs_the_folder(folder: Path) -> None:
    dockerfile = (folder / "Dockerfile").read_text()
    assert "\nWORKDIR /app\n" in dockerfile
    assert "ENTRYPOINT" not in dockerfile
    assert ((folder / "requirements.txt").exists()) == ("requirements.txt" in dockerfile)


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*/requirements.txt")), ids=lambda path: path.parent.name)
def test_requirements_are_pinned(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if not re.match(r"[A-Za-z0-9_.-]+==[0-9][^ ]*( ;.*)?$", line)] == []
