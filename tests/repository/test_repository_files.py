"""The files that people and tools look for at the top of a repository are there and name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]


def test_license_is_the_apache_license() -> None:
    text = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License\n" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text


def test_code_owners_own_paths_that_exist() -> None:
    lines = (REPOSITORY / ".github" / "CODEOWNERS").read_text().splitlines()
    patterns = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    assert [pattern for pattern in patterns[1:] if not (REPOSITORY / pattern.strip("/")).exists()] == []


def test_pre_commit_hooks_run_tools_of_the_lock_file() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    locked = (REPOSITORY / "requirements.lock").read_text()
    packages = {"ruff": "ruff", "mypy": "mypy", "lint-imports": "import-linter"}
    for hook in repository["hooks"]:
        program = hook["entry"].split()[0]
        assert program.startswith(".venv/bin/"), hook["id"]
        tool = program.rpartition("/")[2]
        assert tool == "dagf" or f"\n{packages[tool]}==" in locked, hook["id"]


def test_tools_are_configured_in_pyproject() -> None:
    sections = re.findall(r"^\[([^\]]+)\]", (REPOSITORY / "setup.cfg").read_text(), re.MULTILINE)
    assert {section.partition(".")[0] for section in sections} == {"metadata", "options"}
