"""Values of a job that Kubernetes rejects, or reads otherwise than they look: file modes, host paths, images."""

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
_MOST = 0o777
_LEADING_ZERO = re.compile(r"0[0-7]+")
_RUN_TIME = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_SPACE = re.compile(r"\s")


def check(node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """What is wrong with such values of a resolved job, whose place is ``path``."""
    yield from _images(node, path)
    if "pod" in node.entries:
        yield from _modes(at(node, _VOLUMES), (*path, *_VOLUMES))
    for steps, written in _host_paths(node):
        if ".." in written.text.split("/"):
            message = f"{show(written.text)} leads out of its folder by `..`"
            hint = f"write where it leads, as `{host_path(written.text)}`"
            yield Problem.at(written.position, (*path, *steps), "bad-path", message, hint)


def host_path(text: str) -> str:
    """An absolute path without repeated slashes, a last slash, ``.`` and ``..``."""
    return posixpath.normpath(f"/{text.lstrip('/')}")


def _images(node: MapNode, path: KeyPath) -> Iterator[Problem]:
    for steps, image in images.job_images(node):
        text = image.text
        if _SPACE.search(text) and _SPACE.search(_RUN_TIME.sub("", text)):
            fixed = text.strip()
            hint = f"write `{fixed}`" if not _SPACE.search(_RUN_TIME.sub("", fixed)) else "remove the space"
            message = f"the image {show(text)} has a space in it, which no image's name has"
            yield Problem.at(image.position, (*path, *steps), "bad-image", message, hint)


def _modes(volumes: Node | None, path: KeyPath) -> Iterator[Problem]:
    """File modes of volumes. Kubernetes' own YAML reads ``0400`` as octal; YAML 1.2 reads it as decimal 400."""
    for steps, mode in scalars(volumes, path) if volumes else ():
        if steps[-1] not in _MODES or type(mode.value) is not int:
            continue
        number, text = mode.value, mode.text
        if _LEADING_ZERO.fullmatch(text) and int(text, 8) != number:
            message = f"`{text}` is decimal {number} here, not an octal file mode"
            yield Problem.at(mode.position, steps, "octal-mode", message, f"write `0o{text[1:]}` or `{int(text, 8)}`")
        elif not 0 <= number <= _MOST:
            meant = text.isdecimal() and all(digit in "01234567" for digit in text) and len(text) == 3
            hint = f"write `0o{text}` or `{int(text, 8)}`" if meant else f"write a mode from 0 to 0o777 ({_MOST})"
            message = f"the file mode {text} exceeds {_MOST}, which is 0o777" if number > 0 else f"{text} is below 0"
            yield Problem.at(mode.position, steps, "octal-mode", message, hint)


def _host_paths(node: MapNode) -> Iterator[tuple[KeyPath, Scalar]]:
    for steps, names in ((("volumes",), ("host_path",)), (_VOLUMES, ("hostPath", "path"))):
        found = at(node, steps)
        for index, volume in enumerate(items_of(found)):
            written = at(volume, names) if entries_of(volume) else None
            if isinstance(written, Scalar) and isinstance(written.value, str) and not written.dynamic:
                yield (*steps, index, *names), written
