from __future__ import annotations

from pathlib import Path

import pytest
from commits import GOOD, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with one pipeline. No other file may affect it."""
    write(tmp_path, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n")
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\nvars: {a: 1}\n")
    write(tmp_path, "pipelines/team/good.yaml", GOOD)
    return tmp_path
