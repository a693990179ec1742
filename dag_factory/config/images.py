"""The images of a job's containers: all of them, where they are fetched from, and whether they are allowed.

What Airflow renders when the job runs (``{{ }}``) is any text here: a rule holds for it only where it holds
whatever that text will be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingT
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from dag_factory.config.places import Mark, Path
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence, at, entries, replaced

HUB = "docker.io"
# What does not end goes to the end: told elsewhere, and to look for an end again and again takes for ever.
_RUN_TIME = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)", re.DOTALL)
_ANY = "\ue000" * 300  # stands for a text of the run; only a `*` takes it
_VOLUMES = ("pod", "spec", "volumes")  # an image may be mounted, too
_CONTAINERS = (
    ("init_containers",),
    ("sidecars",),
    ("pod", "spec", "initContainers"),
    ("pod", "spec", "containers"),
)


class Allowed(msgspec.Struct, frozen=True):
    """The images that an environment or a team allows; ``by`` is who, as `` the environment `prod` ``."""

    by: str
    patterns: tuple[str, ...]
    mark: Mark


class Policy(msgspec.Struct, frozen=True):
    """What an environment says of images; ``forbid_latest`` is where it says so."""

    mirrors: dict[str, str]
    allowed: tuple[Allowed, ...] = ()
    forbid_latest: Mark | None = None


def allowed(by: str, node: Node | None) -> tuple[Allowed, ...]:
    """The rule that a list of patterns makes; none where there is no list."""
    if not isinstance(node, Sequence):
        return ()
    return (Allowed(by, tuple(item.text for item in node.items if isinstance(item, Scalar)), node.mark),)


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


def check(node: Mapping, policy: Policy, environment: str, path: Path) -> Iterator[Problem]:
    """What is wrong with the final images of a job, whose place is ``path``."""
    if not (policy.mirrors or policy.forbid_latest or policy.allowed):
        return
    for where, image in of_job(node):
        if policy.mirrors and full_name(image.text) is None:
            message = f"only the run knows where `{image.text}` is fetched from: no mirror of `{environment}` is taken"
            hint = "write the registry out, or compute it now, with ${{ }}"
            yield Problem.at(image.mark, (*path, *where), "image-not-known", message, hint, "warning")
        if policy.forbid_latest:
            yield from _latest(image, policy.forbid_latest, environment, (*path, *where))
        for rule in policy.allowed:
            if not _matches(image.text, rule.patterns):
                message = f"the image `{image.text}` is not one that {rule.by} allows"
                hint = f"allowed: {', '.join(rule.patterns)}; see {rule.mark.file}:{rule.mark.line}"
                yield Problem.at(image.mark, (*path, *where), "image-not-allowed", message, hint)


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
    name = _RUN_TIME.sub(_ANY, image)
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
    texts = iter(_RUN_TIME.findall(image))
    return re.sub(_ANY, lambda found: next(texts, found[0]), name)


def _lies_in(image: str, prefix: str) -> bool:
    following = image[len(prefix) : len(prefix) + 1]
    ends = "/:@" if "/" in prefix else "/"  # behind a registry a colon begins its port
    return image.startswith(prefix) and (following == "" or following in ends)


def _matches(image: str, patterns: Iterable[str]) -> bool:
    names = {_RUN_TIME.sub(_ANY, name) for name in (image, full_name(image) or image)}
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _latest(image: Scalar, rule: Mark, environment: str, path: Path) -> Iterator[Problem]:
    name, _, digest = _RUN_TIME.sub(_ANY, image.text).partition("@")
    tag = name.rsplit("/", 1)[-1].partition(":")[2]
    if digest:
        return
    if not tag:
        wrong = "names no tag, which means `latest`"
    elif tag == "latest":
        wrong = "is the tag `latest`"
    elif not tag.strip(_ANY):
        wrong = "has a tag that only the run knows, `latest` perhaps"
    else:
        return
    message = f"the image `{image.text}` {wrong}; the environment `{environment}` forbids that"
    hint = f"name a tag that stays what it is, as `:1.2.3`, or a digest; see {rule.file}:{rule.line}"
    yield Problem.at(image.mark, path, "image-latest", message, hint)
