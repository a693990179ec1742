"""A schedule as the language writes it, for plans and overviews."""

from __future__ import annotations

from typing import Any

from dag_factory.config.jobs.assets import written_rule
from dag_factory.config.model import Assets, Cron, Every, Preset, Schedule
from dag_factory.config.units import duration_text


def written_schedule(schedule: Schedule) -> Any:
    """A schedule as the language writes it; None if runs are started by hand."""
    match schedule:
        case Preset(name=name):
            return name
        case Cron(expressions=(one,)):
            return one
        case Cron(expressions=expressions):
            return {"cron": list(expressions)}
        case Every(seconds=seconds):
            return {"every": duration_text(seconds)}
        case Assets(rule=rule, cron=cron):
            return {"assets": written_rule(rule), **({"cron": list(cron)} if cron else {})}
    return None
