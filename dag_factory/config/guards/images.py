"""The images that may run: those of all containers, and those mounted as volumes."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.guard_rules import Guards, Rule
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment
from dag_factory.config.pod.final_pod import XCOM
from dag_factory.config.pod.image_names import matches_any, tag_problem
from dag_factory.config.positions import KeyPath


def breaches(pod: Fragment, guards: Guards) -> Iterator[Breach]:
    """A breach for each image that a rule does not allow."""
    if not (guards.images or guards.forbid_latest):
        return
    for path, image in pod_images(pod):
        if guards.forbid_latest:
            yield from _latest(image, guards.forbid_latest, path)
        for rule in guards.images:
            if not matches_any(image, rule.words):
                message = f"{rule.by} does not allow the image `{image}`"
                hint = f"use an image that matches {' or '.join(rule.words)}; see {rule.location}"
                yield Breach("image-not-allowed", message, hint, path)


def pod_images(pod: Fragment) -> Iterator[tuple[KeyPath, str]]:
    """Every image of a pod with its path, except that of Airflow's own container, which no pipeline can set."""
    spec = pod["spec"]
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or ()):
            if container.get("image") and container["name"] != XCOM:
                yield ("spec", group, index, "image"), container["image"]
    for index, volume in enumerate(spec.get("volumes") or ()):
        reference = (volume.get("image") or {}).get("reference")
        if reference:
            yield ("spec", "volumes", index, "image", "reference"), reference


def _latest(image: str, rule: Rule, path: KeyPath) -> Iterator[Breach]:
    if problem := tag_problem(image):
        message = f"the image `{image}` {problem}; {rule.by} forbids that"
        hint = f"use a fixed tag such as `:1.2.3`, or a digest; see {rule.location}"
        yield Breach("image-latest", message, hint, path)
