"""Write files as a commit does, and read the problems of each."""

from __future__ import annotations

from pathlib import Path

from dag_factory.config import Compiled

GOOD = "version: 1\ndefaults: {docker_image: i, resource_flavor: small}\n"
HEAD = f"{GOOD}jobs:\n"


def write(home: Path, name: str, text: str | bytes) -> Path:
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def codes_of(found: Compiled, name: str) -> list[str]:
    """Return the codes of a file's problems."""
    return [problem.code for problem in found.problems if problem.file.endswith(name)]
