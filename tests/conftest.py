"""For all tests: what the caller's machine keeps or says must not show; and which tests share what they start."""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Nothing is kept between compilations, unless a test is about that.
os.environ["DAG_FACTORY_CACHE"] = "off"

SHARED = ("e2e", "editor", "templates", "cluster")
"""Folders whose tests share servers: beside other tests, one process runs all of a folder's."""
LONGEST_FIRST = ("e2e", "docs", "local", "soak", "cluster", "templates", "editor")


class SharedServers(LoadScopeScheduling):
    """Gives the tests of a folder that share a server to one process, and all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _folder(nodeid)
        if folder not in SHARED:
            return nodeid
        on_docker = folder == "cluster" and "docker" in nodeid.rpartition("/")[2].lower()
        return "docker" if on_docker else folder


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For ``--dist loadscope``; xdist's own groups by name do nothing with pytest 9.2."""
    return SharedServers(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(_folder(item.nodeid)))


def _folder(nodeid: str) -> str:
    parts = nodeid.partition("::")[0].split("/")
    return parts[1] if parts[0] == "tests" and len(parts) > 2 else ""


def _place(folder: str) -> int:
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
