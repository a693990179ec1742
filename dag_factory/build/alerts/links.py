"""URLs of Airflow's pages and of the git host."""

from __future__ import annotations

from urllib.parse import quote

from dag_factory.build.alerts.alert import Link
from dag_factory.config.model import Pipeline


def run_link(dag_id: str, run_id: str) -> Link:
    """The page of a run in Airflow."""
    return Link(text="Run", url=_run_url(dag_id, run_id))


def log_link(dag_id: str, run_id: str, task_id: str, map_index: int = -1, number: int = 0) -> Link:
    """The log of a task in Airflow, of the try with this number."""
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    number_text = f"?try_number={number}" if number > 0 else ""
    return Link(text="Log", url=f"{_run_url(dag_id, run_id)}/tasks/{quote(task_id)}{mapped}{number_text}")


def source_link(pipeline: Pipeline, line: int = 0) -> tuple[Link, ...]:
    """The pipeline's file on the git host, at a line; nothing if the environment has no template for it."""
    template = pipeline.links.source
    if not template:
        return ()
    url = template.replace("{path}", quote(pipeline.file)).replace("{line}", str(line or 1))
    return (Link(text=f"{pipeline.file}:{line}" if line else pipeline.file, url=url),)


def runbook_link(pipeline: Pipeline, kind: str) -> tuple[Link, ...]:
    """The page that explains a verdict; nothing without a verdict, or if the environment has no template for it."""
    template = pipeline.links.runbook
    if not template or not kind:
        return ()
    return (Link(text="Runbook", url=template.replace("{verdict}", quote(kind))),)


def _run_url(dag_id: str, run_id: str) -> str:
    from airflow.sdk.configuration import conf

    base = str(conf.get("api", "base_url", fallback="") or "http://localhost:8080")
    return f"{base.rstrip('/')}/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"
