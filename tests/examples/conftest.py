"""Makes the code of the example images importable, as it is in an image with its folder as working directory."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from example_jobs import IMAGES, Volume

sys.path += [str(IMAGES / "orders"), str(IMAGES / "what-if")]


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volume:
    volume = Volume(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(volume.data))
    monkeypatch.setenv("OUTPUT_PATH", str(volume.output_file))
    monkeypatch.setenv("RUN_ID", "a run/2026-03-02T04:00:00+00:00")
    return volume


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the module of a job like `python -m`: `job("orders.clean", "de")`."""

    def run(module: str, *args: str) -> None:
        monkeypatch.setattr(sys, "argv", [module, *args])
        importlib.import_module(module).main()

    return run
