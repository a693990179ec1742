"""``when``: which results are true, when it is evaluated, and that the serialized task does not contain it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from building import a_job, a_pipeline, built, task_of


@pytest.mark.parametrize(
    "answer", ["True", "true", " true\n", "yes", "On", "1", "-1", "0.5", "[0]", "{'a': 1}", "('a',)"]
)
def test_true_results(answer: str) -> None:
    from dag_factory.build.worker.skip_condition import is_true

    assert is_true(answer)


@pytest.mark.parametrize(
    "answer", ["False", "false", "", " \n", "no", "OFF", "0", "0.0", "None", "null", "[]", "{}", "()"]
)
def test_false_results(answer: str) -> None:
    from dag_factory.build.worker.skip_condition import is_true

    assert not is_true(answer)


@pytest.mark.parametrize("answer", ["DE", "2026-01-31", "maybe", "[" * 5000, "'a'", "1 2"])
def test_results_that_are_neither(answer: str) -> None:
    from dag_factory.build.worker.skip_condition import is_true

    with pytest.raises(ValueError, match="neither true nor false"):
        is_true(answer)


def asked(when: str, retries: int = 2, context: dict[str, Any] | None = None, **instance: Any) -> str:
    """The result of a task at one of its tries: ``runs`` or ``skipped``."""
    from airflow.sdk.exceptions import AirflowSkipException

    from dag_factory.config import model

    task = task_of(a_job(when=when, retries=model.Retries(count=retries)))
    ti = SimpleNamespace(
        **{"try_number": 1, "max_tries": retries, "_ti_context_from_server": SimpleNamespace(next_method=None)}
        | instance
    )
    outputs = {"count": {"rows": 0}}
    ti.xcom_pull = lambda task_ids, **_: outputs[task_ids]
    ti.xcom_push = lambda **_: None
    try:
        known = {"task": task, "ti": ti, "params": {"full": False}, "dag": task.dag, "ds": "2026-01-31"}
        task._pre_execute_hook({**known, **(context or {})})
    except AirflowSkipException:
        return "skipped"
    return "runs"


def test_the_first_try_evaluates_the_condition() -> None:
    assert asked("{{ params.full }}") == "skipped"
    assert asked("{{ not params.full }}") == "runs"
    assert asked("{{ output('count').rows }}") == "skipped"
    assert asked("{% if params.full %}true{% endif %}") == "skipped"
    assert asked("false") == "skipped"


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("{{ ds }}", "configuration: `when` rendered to '2026-01-31', which is neither true nor false"),
        (
            "{{ params.nothing }}",
            "configuration: `when: {{ params.nothing }}`: 'dict object' has no attribute 'nothing'",
        ),
    ],
)
def test_a_condition_that_cannot_be_evaluated_fails_the_try_without_a_retry(
    when: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    from dag_factory.build.worker.try_failed import TryFailed

    with caplog.at_level("INFO"), pytest.raises(TryFailed) as failure:
        asked(when)
    assert failure.value.next_try.action == "fail"
    assert caplog.messages[-2] == "::endgroup::"  # the line is outside Airflow's group `Pre Execute`
    assert caplog.messages[-1].startswith(sentence)
    assert not caplog.records[-1].exc_info


def test_a_later_try_does_not_evaluate_it() -> None:
    assert asked("false", try_number=2) == "runs"
    assert asked("false", try_number=3) == "runs"


def test_a_cleared_task_evaluates_it_again() -> None:
    assert asked("false", try_number=2, max_tries=3) == "skipped"
    assert asked("false", try_number=3, max_tries=3) == "runs"
    assert asked("false", retries=0, try_number=5, max_tries=4) == "skipped"


def test_a_try_that_is_repeated_does_not_evaluate_it() -> None:
    from dag_factory.verdicts.history import KEY

    def context(max_tries: int, *tries: dict[str, Any]) -> dict[str, Any]:
        history = {"max_tries": max_tries, "tries": list(tries), "reschedules": 1}
        return {"task_reschedule_count": 1, "task_state_store": {KEY: history}}

    evicted = {"number": 1, "flavor": "cpu-small", "kind": "evicted"}
    assert asked("false", context=context(2, evicted)) == "runs"
    assert asked("false", retries=0, context=context(0, evicted)) == "runs"
    # The worker could not build the DAG, so the condition is not evaluated yet.
    assert asked("false", context=context(2)) == "skipped"
    # The task was cleared after the eviction.
    assert asked("false", context=context(1, evicted)) == "skipped"


def test_a_task_that_resumes_does_not_evaluate_it() -> None:
    server = SimpleNamespace(next_method="trigger_reentry")
    assert asked("false", _ti_context_from_server=server) == "runs"


def test_the_serialized_task_has_no_code() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = built(a_pipeline(a_job(when="{{ params.full }}", deferrable=True)))
    text = str(DagSerialization.to_dict(dag))
    assert " object at 0x" not in text
    assert "SkipCondition(" not in text


def test_without_a_condition_there_is_no_hook() -> None:
    assert task_of(a_job())._pre_execute_hook is None
