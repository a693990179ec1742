"""Larger flavors: the arguments that differ, the label, and what to write if runs need one again and again."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import msgspec
from building import SMALL, a_job, a_pipeline, built

from dag_factory.config.model import EnvVar, Flavor, Job, LargerFlavor, with_larger_flavor

MEDIUM = Flavor(name="cpu-medium", requests={"memory": "16Gi"}, limits={"memory": "16Gi"}, shm="1Gi")
LARGE = Flavor(name="cpu-large", requests={"memory": "64Gi"}, limits={"memory": "64Gi"})
LARGER = (LargerFlavor(flavor=MEDIUM), LargerFlavor(flavor=LARGE))
DAYS = [datetime.datetime(2026, 1, day, tzinfo=datetime.timezone.utc) for day in range(1, 9)]


def changed(job: Job, larger: LargerFlavor) -> dict[str, Any]:
    from dag_factory.build.pod.client_objects import to_fragment
    from dag_factory.build.pod.flavor_change import changed_arguments

    found: dict[str, Any] = to_fragment(changed_arguments(job, with_larger_flavor(job, larger)))
    return found


def test_only_what_the_flavor_changes_differs() -> None:
    job = a_job("train", larger_flavors=LARGER, env=(EnvVar(name="A", value="{{ ds }}"),))
    found = changed(job, LARGER[1])
    assert found == {"container_resources": {"requests": {"memory": "64Gi"}, "limits": {"memory": "64Gi"}}}
    assert sorted(changed(job, LARGER[0])) == ["container_resources", "volume_mounts", "volumes"]  # shared memory


def test_what_the_larger_flavor_does_not_set_is_reset() -> None:
    other = a_job("train", flavor=MEDIUM, node_selector={"kind": "steady"})
    job = a_job("train", node_selector={"kind": "spot"}, tolerations=({"key": "spot"},), labels={"tier": "a"})
    found = changed(job, LargerFlavor(flavor=MEDIUM, job=other))
    assert (found["node_selector"], found["tolerations"]) == ({"kind": "steady"}, None)
    assert "labels" not in found


def test_an_overlay_is_merged_over_the_larger_flavor() -> None:
    overlay = {"spec": {"containers": [{"name": "base", "resources": {"limits": {"cpu": "3"}}}]}}
    found = changed(a_job("train", pod=overlay), LARGER[1])
    assert found["container_resources"]["limits"] == {"memory": "64Gi", "cpu": "3"}


def test_the_larger_job_keeps_its_chain() -> None:
    job = a_job("train", larger_flavors=(LargerFlavor(flavor=MEDIUM, job=a_job("train", flavor=MEDIUM)), LARGER[1]))
    larger = with_larger_flavor(job, job.larger_flavors[0])
    assert (larger.flavor, larger.larger_flavors) == (MEDIUM, job.larger_flavors)


def test_the_log_says_why_a_try_has_another_flavor() -> None:
    from dag_factory.build.worker.tries.flavor_of_try import raised_text

    job = a_job("train")
    flavor = Flavor(name="cpu-medium", limits={"cpu": "4", "memory": "16Gi"}, cost_per_hour=0.21)
    assert raised_text(job, msgspec.structs.replace(job, flavor=flavor)) == (
        "This try uses the flavor cpu-medium (4 CPU, 16Gi, 0.21 per hour) instead of cpu-small, because an earlier try"
        " ran out of memory."
    )


def test_the_serialized_dag_does_not_contain_larger_flavors() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    def stored(**fields: Any) -> str:
        return str(DagSerialization.to_dict(built(a_pipeline(a_job("train", **fields)))))

    assert stored(larger_flavors=LARGER) == stored()


def advice(*earlier: list[str], needs: str = "cpu-medium", date: bool = True) -> str:
    """The advice in a run after others; ``earlier`` has the flavors of the tries of each run, newest first."""
    from dag_factory.build.worker.tries.climb_advice import climb_advice
    from dag_factory.build.worker.tries.task_job import TaskJob

    runs = dict(zip(reversed(DAYS[:-1]), earlier, strict=False))

    def previous(logical_date: datetime.datetime, **_: Any) -> Any:
        day = max((one for one in runs if one < logical_date), default=None)
        return day and SimpleNamespace(logical_date=day, run_id=f"run {day.day}")

    def pull(run_id: str, key: str, **_: Any) -> Any:
        day = next(one for one in runs if f"run {one.day}" == run_id)
        return [[{"number": 1, "flavor": name} for name in runs[day]]] if key == "tries" else None

    ti = SimpleNamespace(get_previous_ti=previous, xcom_pull=pull, map_index=-1, task_id="train")
    context = {"ti": ti, "dag_run": SimpleNamespace(logical_date=DAYS[-1] if date else None)}
    job = a_job("train", larger_flavors=LARGER, line=6)
    return climb_advice(context, TaskJob(job, "configs/pipelines/growth/churn.yaml"), needs)


def test_repeated_climbs_give_the_edit() -> None:
    small, medium, large = [SMALL.name], [SMALL.name, "cpu-medium"], ["cpu-medium", "cpu-large"]
    edit = "write resource_flavor: {} (configs/pipelines/growth/churn.yaml:6)"
    assert advice(medium, small, large, small, medium) == (
        "3 of the last 5 runs of train needed cpu-medium: " + edit.format("cpu-medium")
    )
    assert advice(medium, large, needs="cpu-large") == (
        "2 of the last 3 runs of train needed cpu-large: " + edit.format("cpu-large")
    )
    assert advice(small, small, small, small, medium) == ""  # the sixth run does not count
    assert advice() == ""
    assert advice(medium, medium, date=False) == ""


def test_a_history_that_cannot_be_read_changes_nothing() -> None:
    from dag_factory.build.worker.tries.climb_advice import climb_advice
    from dag_factory.build.worker.tries.task_job import TaskJob

    job = msgspec.structs.replace(a_job("train"), larger_flavors=LARGER)
    assert climb_advice({}, TaskJob(job, "a.yaml"), "cpu-medium") == ""
