"""Airflow's plugin (entry point ``airflow.plugins``): prepares the scheduler, registers deadlines, and adds pages.

Every process of Airflow imports this module and calls ``on_load``, often twice. So this module imports nothing large,
and does its work only in the scheduler.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from dag_factory.build.deadlines import REFERENCES
from dag_factory.build.web.views import EXTERNAL_VIEWS, FASTAPI_APPS


class DagFactoryPlugin(AirflowPlugin):
    """Creates the pools and imports what tasks need, before the scheduler's first task.

    Registers deadlines, and adds the pages that say why something waits or failed.
    """

    name = "dagwright"
    deadline_references = REFERENCES
    fastapi_apps = FASTAPI_APPS
    external_views = EXTERNAL_VIEWS

    @classmethod
    def on_load(cls, *_args: Any, **_kwargs: Any) -> None:
        """Prepare the scheduler. Airflow calls this when it loads its plugins, in the scheduler before its executor."""
        if not in_scheduler(sys.argv):
            return
        from dag_factory.build.scheduler import prepare  # a large import that other processes do not need

        prepare.prepare()


def in_scheduler(arguments: Sequence[str]) -> bool:
    """Return whether this is the process of ``airflow scheduler`` itself.

    The processes that it forks (tasks, its log server) have the same command line, but are children of
    ``multiprocessing``. ``airflow standalone`` starts the scheduler as a separate command. A listener's
    ``on_starting`` would be simpler, but if any listener exists, Airflow rejects DAGs that use ``end_from_trigger``.
    """
    if not arguments or Path(arguments[0]).name not in ("airflow", "__main__.py"):
        return False
    command = next((word for word in arguments[1:] if not word.startswith("-")), None)
    return command == "scheduler" and multiprocessing.parent_process() is None
