"""The tools that are compared: how a project is written for each, and the Python that it runs in."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.work import Pipeline
from benchmarks.writers import blueprint, by_hand, dag_factory, gusty, this

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".dagf" / "bench"
"""The folder for all that benchmarks leave behind: environments, projects, caches."""


@dataclass(frozen=True)
class Contestant:
    """``requirements`` names a file in ``requirements/``. Without one, this project's own environment is used."""

    name: str
    title: str
    write: Callable[[Iterable[Pipeline], Path], None]
    requirements: str | None = None

    def python(self) -> Path:
        """Return its interpreter. Its environment is made again only when the requirements change."""
        if self.requirements is None:
            return Path(sys.executable)
        requirements = Path(__file__).parent / "requirements" / self.requirements
        texts = [requirements.read_bytes(), (ROOT / "requirements.lock").read_bytes(), sys.version.encode()]
        stamp = hashlib.sha256(b"\0".join(texts)).hexdigest()
        folder = WORK / "venvs" / self.name
        python = folder / "bin" / "python"
        if not (folder / "stamp").exists() or (folder / "stamp").read_text() != stamp:
            print(f"Installing {self.title}", file=sys.stderr)
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
            install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
            subprocess.run([*uv, *install, "--requirement", str(requirements)], check=True)
            (folder / "stamp").write_text(stamp)
        return python


HAND = Contestant("by_hand", "Python by hand", by_hand.write)
THIS = Contestant("this", "this project", this.write)
OTHERS = (
    Contestant("blueprint", "blueprint 0.5.0", blueprint.write, "blueprint.txt"),
    Contestant("gusty", "gusty 0.23.1", gusty.write, "gusty.txt"),
    Contestant("dag_factory", "dag-factory 1.1.0", dag_factory.write, "dag-factory.txt"),
)
