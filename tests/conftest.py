"""For all tests: what the caller's machine keeps or says must not show; and which tests share what they start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Nothing is kept between compilations, unless a test is about that.
os.environ["DAG_FACTORY_CACHE"] = "off"

TESTS = Path(__file__).parent
SHARED = ("e2e", "editor", "templates", "cluster")
"""Folders whose tests share a server: with ``pytest -n`` one process runs those of a folder."""
LONGEST_FIRST = ("e2e", "docs", "local", "soak", "cluster", "templates", "editor")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = _folder(item)
        if folder in SHARED:
            on_docker = folder == "cluster" and "docker" in item.nodeid.rpartition("/")[2].lower()
            item.add_marker(pytest.mark.xdist_group("docker" if on_docker else folder))
    items.sort(key=lambda item: _place(_folder(item)))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""


def _place(folder: str) -> int:
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
