"""Where the example images are, and what a job finds where it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parents[2] / "examples" / "images"


class Volume:
    """A folder in place of the claim and another in place of the pod's output."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.output_file = root / "xcom" / "return.json"
        self.data.mkdir()
        self.output_file.parent.mkdir()

    @property
    def run(self) -> Path:
        return self.data / "runs" / "a-run-2026-03-02T04-00-00-00-00"

    def output(self) -> Any:
        return json.loads(self.output_file.read_text())
