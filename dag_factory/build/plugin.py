"""Airflow's plugin (entry point ``airflow.plugins``): prepares the scheduler, and costs the rest nothing.

Every process of Airflow imports this module and calls ``on_load``, often twice; so nothing is imported
here, and nothing is done but in the one process that is meant.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class DagFactoryPlugin(AirflowPlugin):
    """Before the scheduler's first task: the pools exist, and what a task imports is imported."""

    name = "dagwright"

    @classmethod
    def on_load(cls, *_args: Any, **_kwargs: Any) -> None:
        """Called by Airflow where it loads its plugins: in the scheduler, before its executor starts."""
        if not in_scheduler(sys.argv):
            return
        from dag_factory.build.scheduler import prepare  # other processes should not pay for it

        prepare.prepare()


def in_scheduler(arguments: Sequence[str]) -> bool:
    """Whether this is the process of ``airflow scheduler`` itself.

    What it forks (tasks, its log server) has the same command line, but is a child of ``multiprocessing``.
    ``airflow standalone`` starts the scheduler as a command of its own. A listener's ``on_starting`` would
    be told the same; but one listener anywhere makes Airflow refuse DAGs that use ``end_from_trigger``.
    """
    if not arguments or Path(arguments[0]).name not in ("airflow", "__main__.py"):
        return False
    command = next((word for word in arguments[1:] if not word.startswith("-")), None)
    return command == "scheduler" and multiprocessing.parent_process() is None
