"""The images of a job's containers: their whole names, their mirrors, and how a rule reads them.

What Airflow renders when the job runs (``{{ }}``) is any text here: a rule holds for it only where it holds
whatever that text will be. The rendered image is checked again in the worker (``guards``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from fnmatch import fnmatchcase
from functools import lru_cache

from dag_factory.config.places import Path
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence, at, entries, replaced
from dag_factory.config.whole_templates import parts

HUB = "docker.io"
_ANY = "\ue000" * 300  # stands for a text of the run; only a `*` takes it
_VOLUMES = ("pod", "spec", "volumes")  # an image may be mounted, too
_CONTAINERS = (
    ("init_containers",),
    ("sidecars",),
    ("pod", "spec", "initContainers"),
    ("pod", "spec", "containers"),
)


def of_job(node: Mapping) -> Iterator[tuple[Path, Scalar]]:
    """Every image of a resolved job with its path: its own, of its init containers, of its sidecars, of its volumes.

    One whose expression failed is left out: that is told already.
    """
    own = node.entries.get("docker_image")
    if isinstance(own, Scalar) and own.value is not None and not own.dynamic:
        yield ("docker_image",), own
    for path in _CONTAINERS:
        containers = at(node, path)
        for index, container in enumerate(containers.items if isinstance(containers, Sequence) else ()):
            image = entries(container).get("image")
            if isinstance(image, Scalar) and image.value is not None and not image.dynamic:
                yield (*path, index, "image"), image
    volumes = at(node, _VOLUMES)
    for index, volume in enumerate(volumes.items if isinstance(volumes, Sequence) else ()):
        image = entries(entries(volume).get("image")).get("reference")
        if isinstance(image, Scalar) and image.value is not None and not image.dynamic:
            yield (*_VOLUMES, index, "image", "reference"), image


def mirrored(node: Mapping, mirrors: MappingT[str, str]) -> Mapping:
    """The job with each image's registry exchanged for its mirror."""
    if not mirrors:
        return node
    result: Node = node
    for path, image in of_job(node):
        name = mirror(image.text, mirrors)
        if name != image.text:
            result = replaced(result, path, Scalar(name, name, image.mark))
    assert isinstance(result, Mapping)
    return result


def check(node: Mapping, mirrors: MappingT[str, str], environment: str, path: Path) -> Iterator[Problem]:
    """What is wrong with the images of a job, whose place is ``path``, whatever the platform allows."""
    for where, image in of_job(node):
        if "{" not in image.text:
            continue
        found = parts(image.text)
        if isinstance(found, str):
            message = f"the template of the image `{image.text}` holds {found}"
            hint = "use only whole expressions that read a value, as `{{ params.tag }}`; compute the rest with `${{ }}`"
            yield Problem.at(image.mark, (*path, *where), "image-template", message, hint)
        elif mirrors and full_name(image.text) is None:
            message = f"only the run knows where `{image.text}` is fetched from: no mirror of `{environment}` is taken"
            hint = "write the registry out, or compute it now, with ${{ }}"
            yield Problem.at(image.mark, (*path, *where), "image-not-known", message, hint, "warning")


def mirror(image: str, mirrors: MappingT[str, str]) -> str:
    """An image's name with the longest prefix that has a mirror exchanged, once; else the name itself."""
    whole = full_name(image)
    fitting = [prefix for prefix in mirrors if whole and _lies_in(whole, prefix)]
    if not fitting or not whole:
        return image
    longest = max(fitting, key=len)
    return mirrors[longest] + whole[len(longest) :]


@lru_cache(4096)
def full_name(image: str) -> str | None:
    """An image's name with the registry that Docker would take: ``python`` is ``docker.io/library/python``.

    None where only the run knows the registry.
    """
    name = _masked(image)
    first, slash, rest = name.partition("/")
    if _ANY in re.split("[:@]", first)[0]:
        return None
    if not slash or not ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        first, rest = HUB, name
    if first == "index.docker.io":
        first = HUB
    if first == HUB and "/" not in rest:
        rest = f"library/{rest}"
    name = f"{first}/{rest}"
    texts = iter(_expressions(image))
    return re.sub(_ANY, lambda found: next(texts, found[0]), name)


def _lies_in(image: str, prefix: str) -> bool:
    following = image[len(prefix) : len(prefix) + 1]
    ends = "/:@" if "/" in prefix else "/"  # behind a registry a colon begins its port
    return image.startswith(prefix) and (following == "" or following in ends)


@lru_cache(4096)  # the same few images, job after job
def matches(image: str, patterns: tuple[str, ...]) -> bool:
    """Whether an image has a name that one of the patterns allows."""
    names = {_masked(name) for name in (image, full_name(image) or image)}
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@lru_cache(4096)
def tag_problem(image: str) -> str:
    """Why an image may be another one tomorrow, in words; nothing where it stays what it is."""
    name, _, digest = _masked(image).partition("@")
    tag = name.rsplit("/", 1)[-1].partition(":")[2]
    if digest:
        return ""
    if not tag:
        return "names no tag, which means `latest`"
    if tag == "latest":
        return "is the tag `latest`"
    return "" if tag.strip(_ANY) else "has a tag that only the run knows, `latest` perhaps"


def _masked(image: str) -> str:
    """The image with any text in place of each expression; all of it where it holds more than expressions."""
    found = parts(image)
    return _ANY if isinstance(found, str) else "".join(_ANY if later else text for later, text in found)


def _expressions(image: str) -> list[str]:
    found = parts(image)
    return [image] if isinstance(found, str) else [text for later, text in found if later]
