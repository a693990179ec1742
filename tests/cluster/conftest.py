"""The clusters that all tests of this folder share. A test deletes only its own pods."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_images import tag_sidecar
from live import Live, running


@pytest.fixture(autouse=True)
def no_handover(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no scheduler that a trigger could be too quick for."""
    monkeypatch.setattr("dag_factory.build.worker.pod_trigger.HANDOVER", 0)


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image as a folder: a program, and a Dockerfile that defines how to run it."""
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
def docker_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a separate Docker engine, with the images that the tests use."""
    script = Path(__file__).parents[2] / "scripts" / "docker-engine"
    folder = tmp_path_factory.mktemp("engine")
    started = subprocess.run([script, "start", folder], capture_output=True, text=True, timeout=600)
    try:
        if started.returncode:
            pytest.skip(f"{started.stdout}{started.stderr}".strip())
        host = started.stdout.strip().splitlines()[-1]
        tag_sidecar(host)
        yield host
    finally:
        subprocess.run([script, "stop", folder], timeout=600)


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory, docker_host: str) -> Iterator[Live]:
    """A cluster that runs containers with Docker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker_host)
        with running(tmp_path_factory.mktemp("docker"), engine="docker", node_cpu="4", node_memory="8Gi") as found:
            yield found


@pytest.fixture(scope="session")
def live(processes: Live) -> Live:
    """The cluster of most tests. Modules whose tests run on both engines override this fixture."""
    return processes


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> Iterator[Live]:
    state = tmp_path_factory.mktemp("cluster")
    with running(state, images={"examples/job:*": image_folder}, node_cpu="4", node_memory="8Gi") as found:
        yield found


@pytest.fixture(scope="session")
def unprivileged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A cluster with a user namespace, as for a user without privileges."""
    with running(tmp_path_factory.mktemp("userns"), isolation="user-namespace", cgroups=False) as found:
        yield found


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> Iterator[Live]:
    """A cluster without namespaces. It watches memory, because the kernel does not limit it."""
    state = tmp_path_factory.mktemp("plain")
    folder = shutil.copytree(image_folder, tmp_path_factory.mktemp("plain-image") / "image")  # pods write to it
    with running(state, images={"examples/job:*": folder}, isolation="plain", cgroups=False) as found:
        yield found
