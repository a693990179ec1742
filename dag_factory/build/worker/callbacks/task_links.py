"""The links of a task in Airflow's UI: its pod in the dashboard of the cluster, and its line on the git host.

Airflow stores the name and the XCom key of each link with the DAG, and reads the URL from that XCom. It pushes the URLs
when a task ends. ``PushLinks`` pushes them before and after the pod is created, so that they exist while the pod waits
or runs.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.sdk import BaseOperatorLink

from dag_factory.config.model import Links

POD_KEY = "dagwright_pod_link"
SOURCE_KEY = "dagwright_source_link"

_log = logging.getLogger(__name__)


class _XComLink(BaseOperatorLink):
    """A link whose URL is an XCom of the task."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL. At the end of a task, Airflow calls this in the worker, with the task instance itself."""
        found = ti_key.xcom_pull(task_ids=ti_key.task_id, key=self.xcom_key, map_indexes=ti_key.map_index)
        return str(found or "")


class PodLink(_XComLink):
    """The pod in the dashboard of the cluster."""

    name = "Pod"
    xcom_key = POD_KEY


class SourceLink(_XComLink):
    """The line of the job on the git host."""

    name = "Source"
    xcom_key = SOURCE_KEY


@lru_cache(16)
def extra_links(links: Links) -> tuple[BaseOperatorLink, ...]:
    """Return the links that the environment has templates for."""
    return (*((PodLink(),) if links.pod else ()), *((SourceLink(),) if links.source else ()))


class PushLinks(KubernetesPodOperatorCallback):
    """Pushes the URLs of the links of one job."""

    def __init__(self, links: Links, file: str, line: int) -> None:
        self.links = links
        self.file = file
        self.line = line

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. This text is constant, so that an edit of a file or of the
        # templates creates no new version of the DAG.
        return "PushLinks()"

    def on_pod_manifest_created(self, *, context: Any = None, **_: Any) -> None:  # type: ignore[override]
        """Push the link to the source: the pod may never be created."""
        if self.links.source:
            _push(context, SOURCE_KEY, source_url(self.links.source, self.file, self.line))

    def on_pod_creation(self, *, pod: Any, context: Any = None, **_: Any) -> None:  # type: ignore[override]
        """Push the link to the pod, which the scheduler of the cluster may not have placed yet."""
        if self.links.pod and pod is not None:
            _push(context, POD_KEY, pod_url(self.links.pod, pod.metadata.namespace, pod.metadata.name))


def source_url(template: str, file: str, line: int) -> str:
    """Return the URL of a line of a file. Without a known line it is the first one."""
    return template.replace("{path}", quote(file)).replace("{line}", str(line or 1))


def pod_url(template: str, namespace: str, name: str) -> str:
    """Return the URL of a pod."""
    return template.replace("{namespace}", quote(namespace)).replace("{name}", quote(name))


def _push(context: Any, key: str, url: str) -> None:
    """Push a URL. A failure is logged: a job must not fail because of a link."""
    try:
        context["ti"].xcom_push(key=key, value=url)
    except Exception as failure:
        _log.warning("cannot store the link %s: %s", key, failure)
