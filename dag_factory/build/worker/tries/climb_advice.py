"""What to write in the YAML file if run after run needs a larger flavor.

It is computed in the worker when a try climbs, from the records of earlier runs. It is not part of the DAG: it contains
a line number, and the next run may change it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from dag_factory.build.worker.tries import records
from dag_factory.build.worker.tries.task_job import TaskJob

RUNS = 5
"""How many runs are looked at, with the current one."""
REPEATED = 2
"""How many of them must have needed the flavor."""

_LOG = logging.getLogger(__name__)


def climb_advice(context: Any, job: TaskJob, flavor: str) -> str:
    """``3 of the last 5 runs of train needed cpu-medium: write resource_flavor: cpu-medium (file:line)``.

    ``flavor`` is the larger flavor that this run needs. An empty string if few runs needed it.
    """
    try:
        chain = [one.flavor.name for one in job.model.larger_flavors]
        enough = chain[chain.index(flavor) :]
        earlier = list(_flavors_of_earlier_runs(context))
    except Exception as failure:  # the verdict matters more
        _LOG.warning("cannot read the records of earlier runs: %s", failure)
        return ""
    needed = 1 + sum(one in enough for one in earlier)
    if needed < REPEATED:
        return ""
    runs = f"{needed} of the last {1 + len(earlier)} runs of {job.model.name} needed {flavor}"
    place = f"{job.file}:{job.model.line}" if job.model.line else job.file
    return f"{runs}: write resource_flavor: {flavor} ({place})"


def _flavors_of_earlier_runs(context: Any) -> Iterator[str]:
    """The flavor of the last try in each of the runs before this one, newest first."""
    ti, date = context["ti"], context["dag_run"].logical_date
    for _ in range(RUNS - 1):
        # Without a date Airflow returns the newest run, which may be this one.
        previous = ti.get_previous_ti(logical_date=date, map_index=ti.map_index) if date else None
        if previous is None:
            return
        date = previous.logical_date
        tries = ti.xcom_pull(
            task_ids=ti.task_id, key=records.XCOM_KEY, run_id=previous.run_id, map_indexes=[ti.map_index]
        )
        yield _last_flavor(tries)


def _last_flavor(tries: Any) -> str:
    """The flavor of the last record. ``tries`` are the records of a run, in a list for its map index."""
    while isinstance(tries, Sequence) and not isinstance(tries, str) and tries:
        tries = tries[-1]
    return str(tries.get("flavor", "")) if isinstance(tries, dict) else ""
