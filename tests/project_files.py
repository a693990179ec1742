"""Write the files of a project in a test."""

from __future__ import annotations

from pathlib import Path


def write(home: Path, name: str, text: str | bytes) -> Path:
    """Write a file below ``configs/`` and return its path."""
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
