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
OWN_SERVERS = ("test_nothing_left_behind.py", "test_bundle_versions.py")
"""Modules of such a folder that start their own servers. Each runs in one process, beside the others."""
LONGEST_FIRST = (
    "e2e", "test_nothing_left_behind.py", "docs", "local", "test_bundle_versions.py", "soak", "cluster", "templates",
    "editor",
)  # fmt: skip
"""The order of folders and of modules with their own servers."""
FIRST = ("test_problems.py", "test_reasons.py", "test_interruptions.py")
"""Modules that start what they need. They come first in their folder, while the runs of its other modules run."""


class SharedServers(LoadScopeScheduling):
    """Gives all tests of a folder with shared servers to one process, and distributes the others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _folder(nodeid)
        if folder not in SHARED:
            return nodeid
        module = _module(nodeid)
        if module in OWN_SERVERS:
            return module
        on_docker = folder == "cluster" and "docker" in nodeid.rpartition("/")[2].lower()
        return "docker" if on_docker else folder


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Return the scheduler for ``--dist loadscope``. The named groups of xdist have no effect with pytest 9.2."""
    return SharedServers(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.nodeid))


def _folder(nodeid: str) -> str:
    parts = nodeid.partition("::")[0].split("/")
    return parts[1] if parts[0] == "tests" and len(parts) > 2 else ""


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[2]


def _rank(nodeid: str) -> tuple[int, bool]:
    """The place of a test in the order of all tests."""
    module = _module(nodeid)
    name = module if module in OWN_SERVERS else _folder(nodeid)
    return (LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)), module not in FIRST
