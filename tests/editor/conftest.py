"""Fixtures: the YAML language server that editors use, installed once for each version of its lock file."""

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
    """The path of the server's program."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the editor tests need Node.js with npm (Debian, Ubuntu: apt-get install nodejs npm)")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, temporary)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=temporary, check=True, capture_output=True, timeout=600)
            try:
                Path(temporary).rename(folder)
            except OSError:  # another process has installed it meanwhile
                assert folder.exists()
            Path(temporary).mkdir(exist_ok=True)  # TemporaryDirectory removes it
    return str(folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server")


@pytest.fixture(scope="session")
def open_editor(language_server: str) -> Iterator[Callable[[Path], LanguageServer]]:
    """Return a function that opens a project in an editor with the settings that ``dagf schema`` prints."""
    opened: list[LanguageServer] = []

    def open_folder(folder: Path) -> LanguageServer:
        result = CliRunner().invoke(main, ["schema", "--home", str(folder)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        schemas = json.loads(result.stdout[result.stdout.index("{\n") : result.stdout.index("}\n}") + 3])[
            "yaml.schemas"
        ]
        settings = {"schemas": schemas, "completion": True, "hover": True, "validate": True}
        command = ["node", language_server, "--stdio"]
        opened.append(LanguageServer(command, folder, {"yaml": {**settings, "schemaStore": {"enable": False}}}))
        deadline = time.monotonic() + 300
        while "jobs" not in opened[-1].completions("configs/pipelines/none/none.yaml", "version: 1\n|>"):
            assert time.monotonic() < deadline, "the server has not read its settings"
            time.sleep(0.1)
        return opened[-1]

    yield open_folder
    for server in opened:
        server.stop()
