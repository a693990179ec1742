"""Where the pages appear in Airflow. This module is imported in every process, so it imports nothing large."""

from __future__ import annotations

from typing import Any

from dag_factory.build.web.icons import LIST, QUESTION, icons
from dag_factory.build.web.lazy_app import app

PREFIX = "/dagwright"

FASTAPI_APPS: list[dict[str, Any]] = [{"app": app, "url_prefix": PREFIX, "name": "dagwright"}]

# Airflow replaces the names in braces, and quotes the values. A path without a leading slash also works under a base
# URL with a path.
EXTERNAL_VIEWS: list[dict[str, Any]] = [
    {
        "name": "Why?",
        "destination": "dag",
        "url_route": "why",
        "href": "dagwright/why/dag?dag_id={DAG_ID}",
        **icons(QUESTION),
    },
    {
        "name": "Why?",
        "destination": "dag_run",
        "url_route": "why-run",
        "href": "dagwright/why/run?dag_id={DAG_ID}&run_id={RUN_ID}",
        **icons(QUESTION),
    },
    {
        "name": "Why?",
        "destination": "task_instance",
        "url_route": "why-task",
        "href": "dagwright/why/task?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}",
        **icons(QUESTION),
    },
    {
        "name": "Pipelines",
        "destination": "nav",
        "url_route": "dagwright-pipelines",
        "href": "dagwright/pipelines",
        "nav_top_level": True,
        **icons(LIST),
    },
]
