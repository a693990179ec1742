"""Settings for all tests: no state of the caller's machine is used, and tests that share servers run together."""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Nothing is cached between compilations, except in tests of the cache.
os.environ["DAG_FACTORY_CACHE"] = "off"

SHARED = ("e2e", "editor", "templates", "cluster")
"""Folders whose tests share servers. One process runs all tests of such a folder."""
OWN_SERVERS = ("test_nothing_left_behind.py",)
"""Modules of such a folder that kill servers, so they start their own. Each runs in one process, beside the others."""
LONGEST_FIRST = ("e2e", "docs", "local", "soak", "cluster", "templates", "editor")


class SharedServers(LoadScopeScheduling):
    """Gives all tests of a folder with shared servers to one process, and distributes the others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _folder(nodeid)
        if folder not in SHARED:
            return nodeid
        module = nodeid.partition("::")[0].rpartition("/")[2]
        if module in OWN_SERVERS:
            return module
        on_docker = folder == "cluster" and "docker" in nodeid.rpartition("/")[2].lower()
        return "docker" if on_docker else folder


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Return the scheduler for ``--dist loadscope``. The named groups of xdist have no effect with pytest 9.2."""
    return SharedServers(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(_folder(item.nodeid)))


def _folder(nodeid: str) -> str:
    parts = nodeid.partition("::")[0].split("/")
    return parts[1] if parts[0] == "tests" and len(parts) > 2 else ""


def _rank(folder: str) -> int:
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
