"""The folder of the example images, and a replacement for the volume and the output of a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parents[2] / "examples" / "images"


class Volume:
    """One folder replaces the volume claim, another the output folder of the pod."""

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
