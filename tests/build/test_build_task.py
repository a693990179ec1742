"""When a task runs, how often, and what its log shows."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.serialization.serialized_objects import DagSerialization
from building import CARD, a_job, a_pipeline, built, task_of

from dag_factory.config import model
from dag_factory.config.guard_rules import Bound, Guards


def test_edges_are_the_jobs_dependencies() -> None:
    dag = built(a_pipeline(a_job("a"), a_job("c", depends_on=("b", "a"), trigger_rule="all_done"), a_job("b")))
    assert dag.task_dict["c"].upstream_task_ids == {"a", "b"}
    assert dag.task_dict["a"].downstream_task_ids == {"c"}
    assert dag.task_dict["c"].trigger_rule == "all_done"


def test_a_limited_weight_is_not_added_up() -> None:
    chain = a_job("a", priority_weight=3), a_job("b", depends_on=("a",), priority_weight=3)
    limited = Guards(bounds={"priority_weight": Bound("the team `x`", "teams.yaml", 1, 3, "3")})
    for guards, weight in ((Guards(), 6), (limited, 3)):
        dag = built(a_pipeline(*chain, guards=guards))
        task = DagSerialization.from_dict(DagSerialization.to_dict(dag)).task_dict["a"]
        assert task.weight_rule.get_weight(SimpleNamespace(task=task)) == weight


def test_retries() -> None:
    rule = model.Retries(count=3, delay=30, backoff="exponential", max_delay=600)
    task = task_of(a_job(retries=rule))
    assert task.retries == 3
    assert task.retry_delay == timedelta(seconds=30)
    assert task.retry_exponential_backoff == 2.0
    assert task.max_retry_delay == timedelta(minutes=10)
    once = task_of(a_job())
    assert once.retries == 0
    assert not once.retry_exponential_backoff


def test_timeouts() -> None:
    task = task_of(a_job(timeout=90, startup_timeout=30, schedule_timeout=40))
    assert task.execution_timeout == timedelta(seconds=90)
    assert task.active_deadline_seconds == 90  # the pod ends even if no worker is left to stop it
    assert task.startup_timeout_seconds == 30
    assert task.schedule_timeout_seconds == 40
    silent = task_of(a_job())
    assert silent.execution_timeout is None
    assert silent.startup_timeout_seconds > 120  # the operator's default is too short to add a node
    assert silent.schedule_timeout_seconds > 120


def test_the_pool_of_the_job_overrides_that_of_the_flavor() -> None:
    assert task_of(a_job()).pool == "default_pool"
    assert task_of(a_job(flavor=CARD)).pool == "gpu"
    task = task_of(a_job(flavor=CARD, pool="bulk", pool_slots=2, priority_weight=7))
    assert (task.pool, task.pool_slots, task.priority_weight) == ("bulk", 2, 7)


@pytest.mark.parametrize(
    ("keep", "action"),
    [("never", "delete_pod"), ("on_failure", "delete_succeeded_pod"), ("always", "keep_pod")],
)
def test_whether_the_pod_is_deleted(keep: str, action: str) -> None:
    task = task_of(a_job(keep_pod=keep))
    assert task.on_finish_action.value == action
    assert task.durable  # another worker takes over from a dead one


def test_output_is_the_tasks_xcom() -> None:
    assert task_of(a_job(output=True)).do_xcom_push
    assert not task_of(a_job()).do_xcom_push


def test_deferred_jobs_show_their_log_while_running() -> None:
    assert task_of(a_job(deferrable=True)).deferrable
    assert task_of(a_job(deferrable=True)).logging_interval
    assert not task_of(a_job()).deferrable


def test_the_log_contains_neither_events_nor_the_whole_pod() -> None:
    task = task_of(a_job())
    assert task.get_logs
    assert not task.log_events_on_failure
    assert not task.log_events_on_startup
    assert not task.log_pod_spec_on_failure
    assert task.termination_message_policy == "FallbackToLogsOnError"


def test_owners() -> None:
    assert task_of(a_job(), owner=("ada", "bob")).owner == "ada, bob"
    assert task_of(a_job()).owner == "growth"


def test_depends_on_past_reaches_every_task() -> None:
    assert task_of(a_job(), depends_on_past=True).depends_on_past
    assert not task_of(a_job()).depends_on_past
