"""One cluster for all tests of this folder, and one without namespaces; a test deletes no pods but its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Live, running


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image as a folder: a program beside a Dockerfile that says how to run it."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "Dockerfile").write_text(
        'FROM python:3.11\nENV GREETING="hello there" \\\n    OTHER=2\nWORKDIR /app\nCOPY . .\n'
        'RUN false\nENTRYPOINT ["python", "job.py"]\nCMD ["--default"]\n'
    )
    (folder / "job.py").write_text(
        "import os, sys\nprint(os.getcwd(), sys.argv[1:], os.environ['GREETING'], flush=True)\n"
        "open('made-here', 'w').close()\n"
    )
    return folder


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> Iterator[Live]:
    state = tmp_path_factory.mktemp("cluster")
    with running(state, images={"examples/job:*": image_folder}, node_cpu="4", node_memory="8Gi") as found:
        yield found


@pytest.fixture(scope="session")
def unprivileged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """As a user without rights has it: a user namespace."""
    with running(tmp_path_factory.mktemp("userns"), isolation="user-namespace", cgroups=False) as found:
        yield found


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> Iterator[Live]:
    """The fallback for machines that refuse namespaces, with memory watched instead of limited by the kernel."""
    state = tmp_path_factory.mktemp("plain")
    with running(state, images={"examples/job:*": image_folder}, isolation="plain", cgroups=False) as found:
        yield found
