"""Airflow's pod operator without a scheduler: the test's process does what a task's process would do."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any
from unittest import mock

from airflow.exceptions import TaskDeferred
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from live import Live


def operator_arguments(live: Live, name: str, script: str) -> dict[str, Any]:
    return {
        "task_id": name,
        "name": name,
        "namespace": "default",
        "image": "alpine:3",
        "cmds": ["sh", "-c"],
        "arguments": [script],
        "config_file": str(live.handle.kubeconfig),
        "kubernetes_conn_id": None,
        "in_cluster": False,
        "startup_check_interval_seconds": 1,
        "poll_interval": 0.2,
        "termination_grace_period": 1,
    }


def operator(live: Live, name: str, script: str, **options: Any) -> KubernetesPodOperator:
    return KubernetesPodOperator(**{**operator_arguments(live, name, script), **options})


def context(run: str) -> Any:
    """The part of a task's context that the operator reads. ``run`` is the run's id; pods have it as a label."""
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    dag_run = mock.MagicMock(run_id=run, dag_id="d", logical_date=day)
    ti = mock.MagicMock(task_id="t", dag_id="d", run_id=run, try_number=1, max_tries=0, map_index=-1, dag_run=dag_run)
    ti._ti_context_from_server = None
    dag = mock.MagicMock(dag_id="d", parent_dag=None)
    return {"ti": ti, "task_instance": ti, "dag": dag, "dag_run": dag_run, "run_id": run, "ts": "2026", "task": None}


def execute_deferrable(operator: KubernetesPodOperator, ctx: Any) -> Any:
    """Defer, run the trigger and resume, as the scheduler and the triggerer do."""
    try:
        operator.execute(ctx)
        raise AssertionError("it did not defer")
    except TaskDeferred as deferred:
        trigger, method = deferred.trigger, deferred.method_name

    async def first() -> Any:
        return (await anext(trigger.run())).payload

    event = asyncio.run(asyncio.wait_for(first(), 300))
    return getattr(operator, method)(ctx, event)
