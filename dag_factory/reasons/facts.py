"""What the rules need to know. The times have a timezone; ``now`` is a fact, so that the rules read no clock."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dag_factory.reasons.reason import Reason
from dag_factory.verdicts.history import TryRecord


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """``slots`` is None if the pool does not exist, and -1 if it has no limit. ``holders`` use the ``used`` slots."""

    name: str
    slots: int | None
    used: int = 0
    holders: tuple[Holder, ...] = ()


class Holder(msgspec.Struct, frozen=True):
    """A task instance that uses slots of a pool. The ids are empty if the reader of the page may not see it."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    slots: int


class Upstream(msgspec.Struct, frozen=True):
    """The tasks of one upstream job in one state (empty: no state yet)."""

    task_id: str
    state: str
    count: int = 1


class Failed(msgspec.Struct, frozen=True):
    """A failed task of the run: its id, and what its last try says, if it has a record."""

    task_id: str
    map_index: int = -1
    sentence: str = ""
    what_to_do: str = ""


class OpenTask(msgspec.Struct, frozen=True):
    """A task of the run that has started or could start, but has not ended, and the first reason about it."""

    task_id: str
    map_index: int
    reason: Reason


class PodWait(msgspec.Struct, frozen=True):
    """What the pod of a running try waits for, such as ``a node: 0/5 nodes are available``.

    ``since`` is None if that is not known. ``limit`` is a sentence that says when the try fails, or empty.
    """

    reason: str
    since: datetime | None = None
    limit: str = ""


class Services(msgspec.Struct, frozen=True):
    """The last heartbeat of each component of Airflow; None: it never ran. A name in ``dead`` is not alive."""

    dead: tuple[str, ...] = ()
    last: dict[str, datetime | None] = {}


class Dag(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline as Airflow and the project know it.

    ``known`` is false if Airflow has no row for it. ``schedule`` is empty for a manual pipeline. ``waits_for`` has the
    assets of the schedule, and whether each was updated since the last run. ``off_in``: the file of the environment
    that turns schedules off. ``schedule_off``: the key of the pipeline's file that removes its schedule here.
    ``deleted``, ``stopped`` and ``last_good`` are the reasons on the page of the DAG. ``file_state`` is what the
    project on this server says (see ``Pipeline.state``); empty if there is none.
    """

    dag_id: str
    now: datetime
    services: Services = Services()
    known: bool = True
    stale: bool = False
    last_parsed: datetime | None = None
    paused: bool = False
    schedule: str = ""
    schedule_off: str = ""
    next_run: datetime | None = None
    waits_for: tuple[tuple[str, bool], ...] = ()
    off_in: str = ""
    active_runs: tuple[str, ...] = ()
    max_active_runs: int | None = None
    last_run: tuple[str, str] | None = None  # run id and state
    deleted: str = ""
    stopped: tuple[str, ...] = ()
    last_good: tuple[str, ...] = ()
    file: str = ""
    file_state: str = ""
    problems: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    environment: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``timeout`` in seconds. ``failed`` has its failed tasks, ``open`` some of its open tasks."""

    dag: Dag
    run_id: str
    state: str
    run_after: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    timeout: int | None = None
    failed: tuple[Failed, ...] = ()
    unfinished: int = 0
    open: tuple[OpenTask, ...] = ()
    note: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task instance.

    ``since``: when it got its state, if that is known. ``active_jobs`` counts running and queued tasks of the run;
    ``active_instances`` those of this task. ``busy_workers``: tasks that run in the executor.
    ``failed_upstream``: the failed tasks because of which it did not run.
    """

    run: Run
    task_id: str
    map_index: int = -1
    state: str = ""
    since: datetime | None = None
    try_number: int = 0
    max_tries: int = 0
    pool: Pool | None = None
    pool_slots: int = 1
    trigger_rule: str = "all_success"
    upstream: tuple[Upstream, ...] = ()
    failed_upstream: tuple[Failed, ...] = ()
    active_jobs: int = 0
    max_active_jobs: int | None = None
    active_instances: int = 0
    max_instances: int | None = None
    busy_workers: int = 0
    parallelism: int = 0
    retry_at: datetime | None = None
    retry_reason: str = ""
    waits_for_previous_run: bool = False
    tries: tuple[TryRecord, ...] = ()
    wait: PodWait | None = None
    note: str = ""


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """The mapped tasks of a job: how many are in each state (empty: no state yet), and those that failed."""

    run: Run
    task_id: str
    counts: dict[str, int]
    failed: tuple[Failed, ...] = ()


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list of pipelines.

    ``state``: ``running`` (in Airflow and correct), ``last-good``, ``stopped``, ``broken`` (errors, and no DAG),
    ``elsewhere`` (not in this environment), ``deleted`` (in Airflow's history, but no file defines it), ``gone`` (the
    same, but the files are not known) or ``new`` (Airflow has not read it yet).
    """

    dag_id: str
    state: str
    file: str = ""
    paused: bool = False
    last_parsed: datetime | None = None
    details: tuple[str, ...] = ()
