"""The operator's arguments that differ when a try runs a job with a larger flavor."""

from __future__ import annotations

from typing import Any

from dag_factory.build.pod.arguments import container_arguments, escape_arguments, spec_arguments
from dag_factory.build.pod.client_objects import to_fragment
from dag_factory.build.pod.overlay import apply_overlay
from dag_factory.config.model import Job


def changed_arguments(job: Job, other: Job) -> dict[str, Any]:
    """Return the arguments of ``other`` that differ from those of ``job``; None for one that only ``job`` sets.

    Labels are not among them: the operator finds its pods by their labels.
    """
    before, after = _arguments(job), _arguments(other)
    return {
        name: after.get(name)
        for name in dict.fromkeys([*before, *after])
        if to_fragment(before.get(name)) != to_fragment(after.get(name))
    }


def _arguments(job: Job) -> dict[str, Any]:
    arguments = {**container_arguments(job), **spec_arguments(job), "labels": {}}
    found = escape_arguments(apply_overlay(arguments, job) if job.pod else arguments)
    del found["labels"]
    return found
