"""The fenced blocks of a page, and how each is run.

A page is one story: its blocks are taken in order, in one copy of this project.

- ``yaml`` begins with the name of its file, as a comment. It is written, and the project must have no errors then;
  after ``yaml wrong`` it must have some, and the file is put back before the next. (``yaml result`` is what a test
  of its own compares.)
- ``console`` has commands after ``$`` and what they print, in which ``…`` stands for anything. They must succeed; in
  ``console fails`` they must not.
- ``python new`` begins with the name of its file, as a comment. It is written.
- ``text`` is not looked at.
- Any other block begins with the name of a file of this repository, as a comment, and is that file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dag_factory.config.problems import errors
from dag_factory.config.project.survey import survey

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\S*)[ ]*(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 1_000  # of one command, which may run a pipeline; a page's commands together have pytest's timeout


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is, its second word, its text, and the line that it begins in."""

    kind: str
    word: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """The file that its first line names."""
        return self.text.splitlines()[0].removeprefix("# ").strip()


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in order."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        yield Block(match[1], match[2], match[3], text[: match.start()].count("\n") + 1)


def project(folder: Path) -> Path:
    """A copy of this project's configuration, its examples and its loaders."""
    for name in ("configs", "examples", "dags"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


class Story:
    """A page's blocks, done one after the other in one project."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._wrong: tuple[Path, str | None] | None = None

    def take(self, block: Block) -> None:
        """Do what the block says; fails where it says something else than what is."""
        if block.kind == "yaml":
            if block.word != "result":
                self._write(block)
        elif block.word == "new":
            (self.home / block.file).write_text(block.text.partition("\n")[2], "utf-8")
        elif block.kind == "console":
            for command, wanted in _commands(block):
                _compare(command, wanted, block, self.home)
        elif block.kind != "text":
            body = block.text.partition("\n")[2]
            assert (ROOT / block.file).read_text("utf-8") == body, f"{block.file} is not what the page shows"

    def _write(self, block: Block) -> None:
        assert block.file.startswith("configs/"), f"line {block.line}: the block does not begin with its file's name"
        self._mend()
        path = self.home / block.file
        if block.word == "wrong":
            self._wrong = (path, path.read_text("utf-8") if path.exists() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")
        found = errors(survey(self.home).problems)
        assert bool(found) == (block.word == "wrong"), f"line {block.line}: {found}"

    def _mend(self) -> None:
        """What was shown to be wrong is as it was before, for the rest of the page."""
        if self._wrong:
            path, before = self._wrong
            path.unlink() if before is None else path.write_text(before, "utf-8")
            self._wrong = None


def _commands(block: Block) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, wanted = part.partition("\n")
        yield command, wanted


def _compare(command: str, wanted: str, block: Block, home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAG_FACTORY_")}
    code = "import sys; from dag_factory.cli.main import main; sys.argv[0] = 'dagf'; main()"
    environment |= {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "DAGF_CODE": code, "PYTHON": sys.executable}
    shell = f'dagf() {{ "$PYTHON" -c "$DAGF_CODE" "$@"; }}\n{command}'
    done = subprocess.run(
        ["sh", "-c", shell], cwd=home, env=environment, text=True, timeout=_SECONDS, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert (done.returncode != 0) == (block.word == "fails"), said
    pattern = ".*?".join(re.escape(part) for part in wanted.strip().split("…"))
    assert re.fullmatch(pattern, said.strip(), re.DOTALL), f"line {block.line}: {command}\n{said}"
