"""Values of a job that Kubernetes rejects or reads in a surprising way: file modes, host paths, images."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dag_factory.config.platform import images
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import show
from dag_factory.config.tree import MapNode, Node, Scalar, at, entries_of, items_of, scalars

_VOLUMES: KeyPath = ("pod", "spec", "volumes")
_MODES = ("defaultMode", "mode")
_MAX_MODE = 0o777
_LEADING_ZERO = re.compile(r"0[0-7]+")
_RUN_TIME = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_SPACE = re.compile(r"\s")


def check(node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Problems of such values in a resolved job at ``path``."""
    yield from _check_images(node, path)
    if "pod" in node.entries:
        yield from _check_modes(at(node, _VOLUMES), (*path, *_VOLUMES))
    for steps, host_path_node in _host_paths(node):
        if ".." in host_path_node.text.split("/"):
            message = f"the path {show(host_path_node.text)} contains `..`"
            hint = f"write the path that it leads to: `{host_path(host_path_node.text)}`"
            yield Problem.at(host_path_node.position, (*path, *steps), "bad-path", message, hint)


def host_path(text: str) -> str:
    """An absolute path without repeated slashes, a trailing slash, ``.`` and ``..``."""
    return posixpath.normpath(f"/{text.lstrip('/')}")


def _check_images(node: MapNode, path: KeyPath) -> Iterator[Problem]:
    for steps, image in images.job_images(node):
        text = image.text
        if _SPACE.search(text) and _SPACE.search(_RUN_TIME.sub("", text)):
            fixed = text.strip()
            hint = f"write `{fixed}`" if not _SPACE.search(_RUN_TIME.sub("", fixed)) else "remove the space"
            message = f"the image {show(text)} contains a space, which is not allowed in an image name"
            yield Problem.at(image.position, (*path, *steps), "bad-image", message, hint)


def _check_modes(volumes: Node | None, path: KeyPath) -> Iterator[Problem]:
    """File modes of volumes. The YAML of Kubernetes reads ``0400`` as octal; YAML 1.2 reads it as decimal 400."""
    for steps, mode in scalars(volumes, path) if volumes else ():
        if steps[-1] not in _MODES or type(mode.value) is not int:
            continue
        number, text = mode.value, mode.text
        if _LEADING_ZERO.fullmatch(text) and int(text, 8) != number:
            message = f"`{text}` is the decimal number {number} here, not an octal file mode"
            yield Problem.at(mode.position, steps, "octal-mode", message, f"write `0o{text[1:]}` or `{int(text, 8)}`")
        elif not 0 <= number <= _MAX_MODE:
            meant = text.isdecimal() and all(digit in "01234567" for digit in text) and len(text) == 3
            hint = f"write `0o{text}` or `{int(text, 8)}`" if meant else f"write a mode from 0 to 0o777 ({_MAX_MODE})"
            message = (
                f"the file mode {text} exceeds 0o777 ({_MAX_MODE})"
                if number > 0
                else f"the file mode {text} is negative"
            )
            yield Problem.at(mode.position, steps, "octal-mode", message, hint)


def _host_paths(node: MapNode) -> Iterator[tuple[KeyPath, Scalar]]:
    for steps, names in ((("volumes",), ("host_path",)), (_VOLUMES, ("hostPath", "path"))):
        found = at(node, steps)
        for index, volume in enumerate(items_of(found)):
            host_path_node = at(volume, names) if entries_of(volume) else None
            if (
                isinstance(host_path_node, Scalar)
                and isinstance(host_path_node.value, str)
                and not host_path_node.dynamic
            ):
                yield (*steps, index, *names), host_path_node
