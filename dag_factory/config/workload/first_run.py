"""From when a pipeline runs: the start date that Airflow gets."""

from __future__ import annotations

from dag_factory.config.model import Assets, Cron, Pipeline, Preset

AIRFLOW_PRESETS = frozenset({"@once", "@continuous"})
"""The presets that are no times."""
RELEASE_DATE = "2026-11-01"
"""The date of this release; move it at each release.

A start date before it is in the past wherever this code runs, so no clock has to be read.
"""


def start_date(pipeline: Pipeline) -> str | None:
    """Return the start date that Airflow gets, if any.

    If the start date is in the past, Airflow immediately starts a run for the last missed time, even without catchup.
    Without a start date the first run is at the next time.
    """
    match pipeline.schedule:
        case Preset(name=name) if name in AIRFLOW_PRESETS:
            return pipeline.start_date  # without a start date they never run
        case Preset() | Cron() | Assets(cron=(_, *_)) if not pipeline.catchup:
            return None if pipeline.start_date < RELEASE_DATE else pipeline.start_date
    return pipeline.start_date
