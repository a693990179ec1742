"""Pipelines for the tests, and Airflow's own ways to look at what was built of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pendulum

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
    """One that says nearly everything."""
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
    from dag_factory.build.dag import build_dag

    return build_dag(pipeline)


def task_of(job: model.Job, **pipeline_fields: Any) -> Any:
    return built(a_pipeline(job, **pipeline_fields)).task_dict[job.name]


def pod_of(job: model.Job, **pipeline_fields: Any) -> dict[str, Any]:
    """The pod that the operator would ask for, in Kubernetes' own JSON."""
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
    **pipeline_fields: Any,
) -> Any:
    """The job's task after a worker rendered its templates (the same calls as Airflow's task runner)."""
    dag = built(a_pipeline(job, **pipeline_fields))
    task = dag.task_dict[job.name].prepare_for_execution()
    logical = pendulum.parse(logical_date) if logical_date else None
    run = SimpleNamespace(logical_date=logical, run_after=pendulum.parse(run_after), run_id="manual__2026+x")
    ti = SimpleNamespace(
        xcom_pull=lambda task_ids, key: (outputs or {}).get(task_ids) if key == "return_value" else None
    )
    context = {
        "dag": dag,
        "dag_run": run,
        "run_id": run.run_id,
        "ti": ti,
        "params": given or {"folds": 5},
        "task": task,
    }
    task.render_template_fields(context, dag.get_template_env())
    return task
