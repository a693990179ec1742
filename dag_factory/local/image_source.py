"""How a running local cluster learns which folder of the project each image runs from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dag_factory.cluster.config import ImageSource
from dag_factory.config.source import image_folders
from dag_factory.config.source.layout import PLATFORM

LOCAL = image_folders.ENVIRONMENT
"""The environment that runs on this machine, unless ``DAG_FACTORY_ENV`` names another."""


def image_source(home: Path, environment: str, given: Sequence[str] = ()) -> ImageSource:
    """Return how a running cluster reads the table of images again; the options ``given`` override the table."""
    program = "from dag_factory.cli.main import main; main()"
    options = [part for text in given for part in ("--image", text)]
    command = (sys.executable, "-c", program, "cluster", "images", "--home", str(home), "--env", environment, *options)
    return ImageSource(command, (home / PLATFORM, home / image_folders.FOLDER))
