"""The language server that editors use for YAML, installed once for each state of its lock file."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from lsp import LanguageServer

from dag_factory.cli.main import main

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".dagf" / "editor"


@pytest.fixture(scope="session")
def language_server() -> str:
    """The server's program."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the editor tests need Node.js with npm (Debian, Ubuntu: apt-get install nodejs npm)")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as made:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, made)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=made, check=True, capture_output=True, timeout=600)
            try:
                Path(made).rename(folder)
            except OSError:  # another process was quicker
                assert folder.exists()
            Path(made).mkdir(exist_ok=True)  # for its own cleaning up
    return str(folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server")


@pytest.fixture(scope="session")
def open_editor(language_server: str) -> Iterator[Callable[[Path], LanguageServer]]:
    """Opens a project's folder as an editor does that was set up as ``dagf schema`` says."""
    opened: list[LanguageServer] = []

    def open_folder(folder: Path) -> LanguageServer:
        said = CliRunner().invoke(main, ["schema", "--home", str(folder)], catch_exceptions=False)
        assert said.exit_code == 0, said.output
        schemas = json.loads(said.stdout[said.stdout.index("{\n") : said.stdout.index("}\n}") + 3])["yaml.schemas"]
        settings = {"schemas": schemas, "completion": True, "hover": True, "validate": True}
        command = ["node", language_server, "--stdio"]
        opened.append(LanguageServer(command, folder, {"yaml": {**settings, "schemaStore": {"enable": False}}}))
        until = time.monotonic() + 300
        while "jobs" not in opened[-1].completions("configs/pipelines/none/none.yaml", "version: 1\n|>"):
            assert time.monotonic() < until, "the server has not read its settings"
            time.sleep(0.1)
        return opened[-1]

    yield open_folder
    for server in opened:
        server.stop()
