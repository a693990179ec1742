"""The names of images: in full, with a mirror, and against a rule's patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from dag_factory.config.expressions.whole_templates import split_template

HUB = "docker.io"
_ANY = "\ue000" * 300  # stands for a text of the run; only a `*` takes it


def apply_mirror(image: str, mirrors: Mapping[str, str]) -> str:
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
def matches_any(image: str, patterns: tuple[str, ...]) -> bool:
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
        return "has no tag, which means `latest`"
    if tag == "latest":
        return "has the tag `latest`"
    return "" if tag.strip(_ANY) else "has a tag that is not known until run time and may be `latest`"


def _masked(image: str) -> str:
    """The image with any text in place of each expression; all of it where it holds more than expressions."""
    found = split_template(image)
    return _ANY if isinstance(found, str) else "".join(_ANY if later else text for later, text in found)


def _expressions(image: str) -> list[str]:
    found = split_template(image)
    return [image] if isinstance(found, str) else [text for later, text in found if later]
