"""The names of images: full names, mirrors, and patterns of rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from dag_factory.config.expressions.whole_templates import split_template

HUB = "docker.io"
_ANY = "\ue000" * 300  # replaces a text that is not known until run time; only `*` matches it


def apply_mirror(image: str, mirrors: Mapping[str, str]) -> str:
    """An image's name with its longest prefix that has a mirror replaced by the mirror."""
    full = full_name(image)
    prefixes = [prefix for prefix in mirrors if full and _has_prefix(full, prefix)]
    if not prefixes or not full:
        return image
    longest = max(prefixes, key=len)
    return mirrors[longest] + full[len(longest) :]


@lru_cache(4096)
def full_name(image: str) -> str | None:
    """An image's name with the registry that Docker would use: ``python`` is ``docker.io/library/python``.

    None if the registry is not known until run time.
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


def _has_prefix(image: str, prefix: str) -> bool:
    """Whether ``prefix`` matches whole parts of the name."""
    following = image[len(prefix) : len(prefix) + 1]
    ends = "/:@" if "/" in prefix else "/"  # after a registry, a colon begins the port
    return image.startswith(prefix) and (following == "" or following in ends)


@lru_cache(4096)  # the same few images, job after job
def matches_any(image: str, patterns: tuple[str, ...]) -> bool:
    """Whether an image has a name that one of the patterns allows."""
    names = {_masked(name) for name in (image, full_name(image) or image)}
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@lru_cache(4096)
def tag_problem(image: str) -> str:
    """Why the image behind a name may change, as text for messages; empty for a fixed name."""
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
    """The name with each expression masked; masked as a whole if it contains other template syntax."""
    found = split_template(image)
    return _ANY if isinstance(found, str) else "".join(_ANY if later else text for later, text in found)


def _expressions(image: str) -> list[str]:
    found = split_template(image)
    return [image] if isinstance(found, str) else [text for later, text in found if later]
