"""``job_overhead_ratio``: the time from queued to success of a job that sleeps for a second, minus that second,
against the same job written by hand.

Both run in turns on one real Airflow (LocalExecutor) and one local cluster. The job by hand has the operator's
defaults. It benefits from this project's plugin, which warms up the scheduler.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.contestants import ROOT, WORK
from benchmarks.measure import Figure
from dag_factory import cluster
from dag_factory.cli.stack import open_stack
from dag_factory.local.api import FINISHED, AirflowApi
from dag_factory.local.instance import free_port

_SLEEP = 1.0  # seconds
_PIPELINE = """\
version: 1
defaults: {docker_image: "busybox:1", resource_flavor: cpu-small, command: [sleep, "1"], retries: 0}
jobs: {sleep: {}}
"""
_HAND = """\
from datetime import datetime

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG

with DAG("by_hand", schedule=None, start_date=datetime(2026, 1, 1)):
    KubernetesPodOperator(task_id="sleep", image="busybox:1", cmds=["sleep", "1"], namespace="default")
"""
_DAGS = ("bench.sleep", "by_hand")


def measure(quick: bool) -> Iterator[Figure]:
    """Measure the ratio, and the seconds of both."""
    home = _project()
    stack = open_stack("bench", home)
    try:
        cluster.up(stack.cluster)
        api = stack.instance.start(free_port())
        for dag_id in _DAGS:
            if not api.wait_for_dag(dag_id, 180):
                raise RuntimeError(f"{dag_id} did not appear in Airflow")
            _overhead(api, dag_id)  # not measured: the first run makes what the cluster makes only once
        pairs = [[_overhead(api, dag_id) for dag_id in _DAGS] for _ in range(3 if quick else 7)]
    finally:
        stack.instance.stop()
        cluster.down(stack.cluster_folder)
    yield Figure("job_overhead_ratio", statistics.median(this / by_hand for this, by_hand in pairs), 0.3)
    yield Figure("job_overhead_seconds.this", statistics.median(this for this, _ in pairs))
    yield Figure("job_overhead_seconds.by_hand", statistics.median(by_hand for _, by_hand in pairs))


def _project() -> Path:
    """Write a project with the repository's platform, one pipeline, and the DAG by hand beside the loader."""
    home = WORK / "projects" / "job"
    shutil.rmtree(home, ignore_errors=True)
    for name in ("configs/platform", "dags", "examples"):
        shutil.copytree(ROOT / name, home / name)
    pipeline = home / "configs" / "pipelines" / "bench" / "sleep.yaml"
    pipeline.parent.mkdir(parents=True)
    pipeline.write_text(_PIPELINE)
    (home / "dags" / "by_hand.py").write_text(_HAND)
    return home


def _overhead(api: AirflowApi, dag_id: str) -> float:
    """Return the seconds from queued to the end of one run's task, without its sleep."""
    run = api.trigger(dag_id)
    deadline = time.monotonic() + 180
    while (state := api.run_state(dag_id, run)) not in FINISHED:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{dag_id} did not end within 180 s")
        time.sleep(0.5)
    (task,) = api.tasks(dag_id, run)
    if state != "success":
        raise RuntimeError(f"{dag_id} ended as {state}: {api.log(dag_id, run, 'sleep')[-1500:]}")
    queued, ended = (datetime.fromisoformat(task[name].replace("Z", "+00:00")) for name in ("queued_when", "end_date"))
    return (ended - queued).total_seconds() - _SLEEP
