"""CHANGELOG.md keeps its shape: closed versions, three kinds of changes, short lines, nothing twice."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LINES = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
VERSIONS = [line.removeprefix("## ") for line in LINES if line.startswith("## ")]


def test_versions_are_unreleased_and_then_dated_versions() -> None:
    assert VERSIONS[0] == "Unreleased"
    assert [one for one in VERSIONS[1:] if not re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}", one)] == []


def test_version_of_the_package_is_the_newest_closed_version() -> None:
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    assert VERSIONS[1].split(" - ")[0] == setup["metadata"]["version"]


def test_entries_are_added_changed_or_fixed() -> None:
    version, kind = "", ""
    kinds: dict[str, list[str]] = {}
    for number, line in enumerate(LINES, 1):
        if line.startswith("## "):
            version, kind = line, ""
        elif line.startswith("### "):
            kind = line.removeprefix("### ")
            kinds.setdefault(version, []).append(kind)
        elif line.startswith("- "):
            assert kind, f"line {number} is under no heading"
    for version, found in kinds.items():
        assert found == [one for one in ("Added", "Changed", "Fixed") if one in found], version


def test_lines_are_shorter_than_120_characters() -> None:
    assert [number for number, line in enumerate(LINES, 1) if len(line) >= 120] == []


def test_no_entry_is_there_twice() -> None:
    entries = [line.lower() for line in LINES if line.startswith("- ")]
    assert [entry for entry in set(entries) if entries.count(entry) > 1] == []
