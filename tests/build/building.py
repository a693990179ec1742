"""Pipelines for tests, and helpers that inspect the built DAGs through Airflow's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pendulum
import pytest

from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.config import model

SMALL = model.Flavor(
    name="cpu-small",
    requests={"cpu": "1", "memory": "2Gi"},
    limits={"cpu": "1", "memory": "2Gi"},
    cost_per_hour=0.05,
)
CARD = model.Flavor(
    name="gpu-t4",
    requests={"cpu": "6", "memory": "24Gi", "ephemeral-storage": "10Gi"},
    limits={"cpu": "6", "memory": "24Gi", "ephemeral-storage": "10Gi"},
    gpu_count=2,
    shm="8Gi",
    pool="gpu",
)


def a_job(name: str = "main", **fields: Any) -> model.Job:
    return model.Job(**{"name": name, "flavor": SMALL, "image": "registry.example.com/churn:1", **fields})


def a_pipeline(*jobs: model.Job, **fields: Any) -> model.Pipeline:
    what = {
        "id": "growth.churn",
        "team": "growth",
        "name": "churn",
        "file": "configs/pipelines/growth/churn.yaml",
        "environment": "prod",
        "cluster": model.Cluster(namespace="ml-prod"),
        "start_date": "2026-01-01",
        "jobs": jobs or (a_job(),),
    }
    return model.Pipeline(**{**what, **fields})


OVER_LIST = model.ForEach(variable="ITEM", items=("a", "b"))


def rich_pipeline() -> model.Pipeline:
    """A pipeline that sets nearly every key."""
    jobs = tuple(
        a_job(
            f"job-{number}",
            flavor=CARD,
            depends_on=tuple(f"job-{n}" for n in range(number)),
            env=(
                model.EnvVar(name="A", value="{{ run_date }}"),
                model.EnvVar(name="B", secret=model.KeyRef(name="s", key="k")),
            ),
            labels={f"label{n}": "x" for n in range(9)},
            annotations={f"note{n}": "x" for n in range(9)},
            node_selector={f"node{n}": "x" for n in range(9)},
            volumes=(model.Volume(name="v", mount_path="/v", kind="pvc", source="v"),),
            tolerations=({"key": "t", "operator": "Exists"},),
            output=True,
        )
        for number in range(4)
    )
    orders = model.Asset(name="orders")
    mapped = tuple(
        a_job(
            f"each-{number}",
            flavor=CARD,
            for_each=model.ForEach(variable="ITEM", output="job-0") if number else OVER_LIST,
            depends_on=("job-0",),
            when="{{ params.p0 }}",
            group=f"load.part{number}",
            env=(model.EnvVar(name="B", secret=model.KeyRef(name="s", key="k")),),
            tolerations=({"key": "t", "operator": "Exists"},),
            outlets=(orders, model.Asset(name="prices")),
            output=True,
        )
        for number in range(2)
    )
    return a_pipeline(
        *jobs,
        *mapped,
        a_job("delete", depends_on=("job-0", "job-3"), teardown_of=("job-0",)),
        tags=tuple(f"tag{n}" for n in range(9)),
        owner=("b", "a"),
        params=tuple(model.Param(name=f"p{n}", schema={"type": "string"}, default="x") for n in range(9)),
        cluster=model.Cluster(xcom_sidecar=model.XcomSidecar(image="x")),
        schedule=model.Assets(
            rule=model.AnyOf(of=(orders, model.AllOf(of=(model.Asset(name="prices"), model.Asset(name="rates"))))),
            cron=("0 3 * * *", "0 4 * * *"),
        ),
        resolved="x: 1\n",
    )


def built(pipeline: model.Pipeline) -> Any:
    from dag_factory.build.dag.build_dag import build_dag

    return build_dag(pipeline)


def task_of(job: model.Job, **pipeline_fields: Any) -> Any:
    return built(a_pipeline(job, **pipeline_fields)).task_dict[job.name]


def pod_of(job: model.Job, **pipeline_fields: Any) -> dict[str, Any]:
    """The pod that the operator would create, in Kubernetes' JSON."""
    from kubernetes.client import ApiClient

    task = task_of(job, **pipeline_fields)
    return ApiClient().sanitize_for_serialization(task.build_pod_request_obj(dry_run=True))  # type: ignore[no-any-return]


def container_of(job: model.Job, **pipeline_fields: Any) -> dict[str, Any]:
    containers = pod_of(job, **pipeline_fields)["spec"]["containers"]
    return next(one for one in containers if one["name"] == "base")  # type: ignore[no-any-return]


def rendered(
    job: model.Job,
    outputs: dict[str, Any] | None = None,
    logical_date: Any = "2026-01-31T23:30:00+00:00",
    run_after: str = "2026-03-01T08:00:00+00:00",
    given: dict[str, Any] | None = None,
    events: tuple[Any, ...] = (),
    **pipeline_fields: Any,
) -> Any:
    """The job's task after a worker rendered its templates, with Airflow's own context and calls."""
    dag = built(a_pipeline(job, **pipeline_fields))
    ti = instance_of(dag.task_dict[job.name], outputs, logical_date, run_after, events)
    context = ti.get_template_context()
    context["params"] = given or {"folds": 5}
    ti.render_templates(context, dag.get_template_env())
    return ti.task


@contextmanager
def rendering_fails(*errors: type[BaseException], match: str = "") -> Iterator[None]:
    """Expect a mistake in a template: the try fails with a verdict, which explains one of these errors."""
    with pytest.raises(TryFailed) as failed:
        yield
    assert isinstance(failed.value.__context__, errors), failed.value.__context__
    assert re.search(match, str(failed.value.__context__))


def instance_of(
    task: Any,
    outputs: dict[str, Any] | None = None,
    logical_date: Any = "2026-01-31T23:30:00+00:00",
    run_after: str = "2026-03-01T08:00:00+00:00",
    events: tuple[Any, ...] = (),
) -> Any:
    """The task instance of Airflow's task runner. It reads ``outputs`` instead of Airflow's database."""
    from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    after = pendulum.parse(run_after)
    logical = pendulum.parse(logical_date) if logical_date else None
    run = DagRun(
        dag_id=task.dag_id,
        run_id="manual__2026+x",
        logical_date=logical,
        data_interval_start=logical,
        data_interval_end=logical,
        run_after=after,
        start_date=after,
        end_date=None,
        run_type="manual",
        state="running",
        conf={"items": "of conf", "x": [1]},
        consumed_asset_events=list(events),
        partition_key=None,
    )
    ti = RuntimeTaskInstance.model_construct(
        id=UUID(int=1),
        dag_version_id=UUID(int=2),
        task_id=task.task_id,
        dag_id=task.dag_id,
        run_id=run.run_id,
        try_number=1,
        map_index=-1,
        max_tries=task.retries,
        task=task.prepare_for_execution(),
        bundle_instance=SimpleNamespace(name="dags-folder", version=None),
        start_date=after,
        state="running",
    )
    ti._ti_context_from_server = TIRunContext(dag_run=run, max_tries=task.retries)
    # As the operator stores them: a null has a mark, because Airflow returns the same None for no output.
    nulls = {job: True for job, value in (outputs or {}).items() if value is None}
    stored = {"return_value": outputs or {}, "output_is_null": nulls}

    def pull(task_ids: Any, key: str, **_: Any) -> Any:
        found = stored[key]
        return [found.get(one) for one in task_ids] if isinstance(task_ids, list) else found.get(task_ids)

    object.__setattr__(ti, "xcom_pull", pull)
    return ti


def an_event(name: str = "orders", uri: str = "s3://lake/orders", **extra: Any) -> Any:
    """An update of an asset, as Airflow passes it to the run that it starts."""
    from airflow.sdk.api.datamodels._generated import AssetEventDagRunReference, AssetReferenceAssetEventDagRun

    return AssetEventDagRunReference(
        asset=AssetReferenceAssetEventDagRun(name=name, uri=uri, extra={}),
        extra=extra,
        source_task_id="load",
        source_dag_id="sales.load",
        source_run_id="scheduled__1",
        source_map_index=-1,
        source_aliases=[],
        timestamp=pendulum.parse("2026-03-01T07:00:00+00:00"),
    )
