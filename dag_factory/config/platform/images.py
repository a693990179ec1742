"""The images of a job: where they are named, and their mirrors.

A run-time expression (``{{ }}``) may become any text. The guards check the rendered image again in the worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from typing import TypeGuard

from dag_factory.config.expressions.whole_templates import split_template
from dag_factory.config.pod.image_names import apply_mirror, full_name
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Node, Scalar, as_map, at, replace_at

_POD_SPEC = ("pod", "spec")
_VOLUMES = (*_POD_SPEC, "volumes")  # an image may be mounted, too


def job_images(node: MapNode) -> Iterator[tuple[KeyPath, Scalar]]:
    """Every image of a resolved job with its path: its own, then those of other containers and of volumes.

    An image whose expression failed is left out, because that is reported elsewhere.
    """
    own = node.get("docker_image")
    if _is_known(own):
        yield ("docker_image",), own
    for key in ("init_containers", "sidecars"):
        yield from _container_images(node.list(key), (key,))
    spec = at(node, _POD_SPEC)
    if not isinstance(spec, MapNode):
        return
    for key in ("initContainers", "containers"):
        yield from _container_images(spec.list(key), (*_POD_SPEC, key))
    for index, volume in enumerate(spec.list("volumes")):
        image = as_map(volume).map("image").get("reference")
        if _is_known(image):
            yield (*_VOLUMES, index, "image", "reference"), image


def _container_images(containers: tuple[Node, ...], path: KeyPath) -> Iterator[tuple[KeyPath, Scalar]]:
    for index, container in enumerate(containers):
        image = as_map(container).get("image")
        if _is_known(image):
            yield (*path, index, "image"), image


def _is_known(image: Node | None) -> TypeGuard[Scalar]:
    return isinstance(image, Scalar) and image.value is not None and not image.dynamic


def apply_mirrors(node: MapNode, mirrors: MappingT[str, str]) -> MapNode:
    """The job with its images renamed to their mirrors."""
    if not mirrors:
        return node
    result: Node = node
    for path, image in job_images(node):
        name = apply_mirror(image.text, mirrors)
        if name != image.text:
            result = replace_at(result, path, Scalar(name, name, image.position))
    assert isinstance(result, MapNode)
    return result


def check(node: MapNode, mirrors: MappingT[str, str], environment: str, path: KeyPath) -> Iterator[Problem]:
    """The problems of a job's images that do not depend on what the platform allows. ``path`` is the job's."""
    for image_path, image in job_images(node):
        if "{" not in image.text:
            continue
        pieces = split_template(image.text)
        if isinstance(pieces, str):
            message = f"the template of the image `{image.text}` contains {pieces}"
            hint = "use only expressions that read a value, such as `{{ params.tag }}`; compute the rest with `${{ }}`"
            yield Problem.at(image.position, (*path, *image_path), "image-template", message, hint)
        elif mirrors and full_name(image.text) is None:
            message = (
                f"the registry of `{image.text}` is not known until run time, so no mirror of `{environment}` applies"
            )
            hint = "write the registry, or compute it with `${{ }}`"
            yield Problem.at(image.position, (*path, *image_path), "image-not-known", message, hint, "warning")
