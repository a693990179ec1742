"""Local images: the folder that replaces an image on a laptop, where pods run as processes.

The platform's table (``cluster.local.images``) maps images to folders. A folder below ``images/`` needs no entry: it
replaces the images whose name ends with its path. ``images/growth/churn`` replaces
``registry.example.com/growth/churn:2.3.1``. Only the environment for laptops uses these folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.platform import images
from dag_factory.config.pod import image_names
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.source.image_folders import FOLDER
from dag_factory.config.tree import MapNode

HOST_IMAGES = ("alpine", "busybox", "debian", "ubuntu", "python")
"""Repositories whose programs are taken from this machine."""


def folder_patterns(folders: Iterable[str]) -> dict[str, str]:
    """The folder of each pattern of full image names; longer names come first."""
    longest_first = sorted(folders, key=lambda folder: (-folder.count("/"), folder))
    return {f"*/{folder.partition('/')[2]}{end}": folder for folder in longest_first for end in (":*", "@*")}


def check(node: MapNode, known: Mapping[str, str], path: KeyPath) -> Iterator[Problem]:
    """A warning for each image of a job that has no folder and is no program of this machine."""
    for image_path, image in images.job_images(node):
        if has_template(image.text) or _is_available(image.text, known):
            continue
        message = f"the image `{image.text}` has no folder, so its job cannot run on this machine"
        name = re.split("[:@]", image.text.rpartition("/")[2])[0]
        hint = f"put its code and its Dockerfile into `{FOLDER}/{name}`, or add it under `cluster.local.images`"
        yield Problem.at(image.position, (*path, *image_path), "no-local-image", message, hint, "warning")


def _is_available(image: str, known: Mapping[str, str]) -> bool:
    full = image_names.full_name(image) or image
    if not re.search("[:@]", full.rpartition("/")[2]):
        full += ":latest"
    if any(fnmatchcase(name, pattern) for pattern in known for name in (image, full)):
        return True
    repository, _, tag = full.partition("@")[0].removeprefix("docker.io/library/").partition(":")
    return repository in HOST_IMAGES and (repository != "python" or tag.startswith(("3", "latest")))
