"""One cluster, one PostgreSQL and one web server for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("build", "cluster", "config", "templates"))

from live import Live
from live import running as cluster
from running import create_secret
from servers import PASSWORD, USER, postgres
from web import Web, web

IMAGES = Path(__file__).parent / "images"


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folders = {f"{folder.name}:*": folder for folder in IMAGES.iterdir()}
    # The virtual environments of images are in the repository, so that they are installed once.
    venvs = Path(__file__).parents[2] / ".dagf" / "images"
    with cluster(tmp_path_factory.mktemp("cluster"), images=folders, venvs=venvs) as found:
        yield found


@pytest.fixture(scope="session")
def database(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A PostgreSQL whose URL is the secret ``database/url``."""
    with postgres(tmp_path_factory.mktemp("postgres")) as port:
        create_secret(live, "database", url=f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres")
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Web]:
    """A web server on this machine."""
    with web() as found:
        yield found
