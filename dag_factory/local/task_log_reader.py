"""How the local API server reads the logs of tasks: from their files.

Airflow's own reader asks a log server, too, while a task runs. There is none here, so it begins each log with
``Could not read served logs``. Airflow imports this module in the API server (``[logging] logging_config_class``).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG
from airflow.utils.log.file_task_handler import FileTaskHandler


class LocalTaskHandler(FileTaskHandler):
    """Airflow's reader of log files, without log servers."""

    def _read_from_logs_server(self, ti: Any, worker_log_rel_path: str) -> tuple[list[str], list[Any]]:
        """Return no sources and no lines."""
        return [], []


LOGGING_CONFIG: dict[str, Any] = deepcopy(DEFAULT_LOGGING_CONFIG)
LOGGING_CONFIG["handlers"]["task"]["class"] = f"{__name__}.{LocalTaskHandler.__name__}"
