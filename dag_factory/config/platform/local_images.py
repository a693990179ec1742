"""Images on one machine: the folder that stands for an image where pods are processes.

Beside the platform's table (``cluster.local.images``) each folder of code below ``images/`` stands for the images whose
name ends as its path does: ``images/growth/churn`` for ``registry.example.com/growth/churn:2.3.1``. Its owners need no
change of a table. Only the environment of this machine reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.platform import images
from dag_factory.config.pod import image_names
from dag_factory.config.positions import KeyPath as Steps
from dag_factory.config.problems import Problem
from dag_factory.config.source.image_folders import FOLDER
from dag_factory.config.tree import MapNode

HOST_IMAGES = ("alpine", "busybox", "debian", "ubuntu", "python")
"""Repositories that are this machine's own programs."""


def folder_patterns(found: Iterable[str]) -> dict[str, str]:
    """The folder of each pattern of full image names; a longer name is looked for first."""
    longest_first = sorted(found, key=lambda folder: (-folder.count("/"), folder))
    return {f"*/{folder.partition('/')[2]}{end}": folder for folder in longest_first for end in (":*", "@*")}


def check(node: MapNode, known: Mapping[str, str], path: Steps) -> Iterator[Problem]:
    """A warning for each image of a job that nothing on this machine stands for."""
    for steps, image in images.job_images(node):
        if has_template(image.text) or _is_there(image.text, known):
            continue
        message = f"no folder stands for the image `{image.text}`: pods are processes on this machine"
        name = re.split("[:@]", image.text.rpartition("/")[2])[0]
        hint = f"put its code and Dockerfile into `{FOLDER}/{name}`, or add it under `cluster.local.images`"
        yield Problem.at(image.position, (*path, *steps), "no-local-image", message, hint, "warning")


def _is_there(image: str, known: Mapping[str, str]) -> bool:
    full = image_names.full_name(image) or image
    if not re.search("[:@]", full.rpartition("/")[2]):
        full += ":latest"
    if any(fnmatchcase(name, pattern) for pattern in known for name in (image, full)):
        return True
    repository, _, tag = full.partition("@")[0].removeprefix("docker.io/library/").partition(":")
    return repository in HOST_IMAGES and (repository != "python" or tag.startswith(("3", "latest")))
