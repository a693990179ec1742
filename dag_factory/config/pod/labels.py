"""The labels of a job's pod: the job's own, and those of the factory."""

from __future__ import annotations

from dag_factory.config.model import Job, Pipeline
from dag_factory.config.pod.names import safe_label

PREFIX = "dagwright/"
"""The prefix of the factory's labels."""

TRY_FLAVOR = f"{PREFIX}try-flavor"
"""The label ``dagwright/flavor`` is that of the YAML file, this one that of the try: the operator finds the pods of a
task by the first one."""


def pod_labels(pipeline: Pipeline, job: Job) -> dict[str, str]:
    """The pod's labels: the job's, and the factory's, which a job cannot override."""
    factory = {
        "pipeline": pipeline.id,
        "job": job.name,
        "flavor": job.flavor.name,
        "environment": pipeline.environment,
        "owner": ".".join(pipeline.owner) or pipeline.team,
        "team": pipeline.team,
    }
    return {
        **{name: safe_label(value) for name, value in job.labels.items()},
        **{f"{PREFIX}{name}": safe_label(value) for name, value in factory.items() if value},
    }
