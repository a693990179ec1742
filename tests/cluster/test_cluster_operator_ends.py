"""How a try of our operator ends: a stopped worker, a deleted pod, an unreadable output, a long log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskDeferred
from live import Live, until
from operators import context, operator_arguments

from dag_factory.build.worker.callbacks.eager_polling import EagerPolling
from dag_factory.build.worker.callbacks.worker_stop import CheckWorker
from dag_factory.build.worker.errors import PodDeleted
from dag_factory.build.worker.operator import PodOperator
from dag_factory.build.worker.outputs import NULL_KEY
from dag_factory.build.worker.pods import deletion
from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.verdicts.history import KEY

WRITES = "echo working; echo '{\"rows\": 3}' > /airflow/xcom/return.json"
STUBBORN = "trap 'exit 0' TERM; while true; do echo step; sleep 0.05; done"
HOOKS = ["on_pod_manifest_created", "on_pod_creation", "on_pod_starting", "progress_callback", "on_pod_completion"]
OF_THE_TRIGGERER = ("on_pod_starting", "progress_callback")  # called by the triggerer for a deferrable job
MOMENTS = [(hook, later) for later in (False, True) for hook in HOOKS if not later or hook not in OF_THE_TRIGGERER]


@pytest.fixture(scope="module")
def live(processes: Live) -> Live:
    return processes


class At(KubernetesPodOperatorCallback):
    """A callback that acts once, when the operator reaches a hook."""

    def __init__(self, hook: str, act: Callable[[], Any]) -> None:
        self.done = False

        def once(**_: Any) -> None:
            if not self.done:
                self.done = True
                act()

        setattr(self, hook, once)


def job(live: Live, name: str, script: str, **options: Any) -> PodOperator:
    callbacks = [*options.pop("callbacks", []), CheckWorker(), EagerPolling()]
    dag = DAG("d", schedule=None)
    return PodOperator(dag=dag, **operator_arguments(live, name, script), **options, callbacks=callbacks)


def run(task: PodOperator, ctx: Any) -> Any:
    """One try, with a real trigger if the task defers."""
    try:
        return task.execute(ctx)
    except TaskDeferred as deferred:
        trigger = deferred.trigger

    async def first() -> Any:
        return (await anext(trigger.run())).payload

    event = asyncio.run(asyncio.wait_for(first(), 300))
    return task.trigger_reentry(ctx, event)


def pods(live: Live, name: str) -> list[str]:
    return [p.metadata.name for p in live.api.list_namespaced_pod("default").items if p.metadata.name.startswith(name)]


class Store(dict[str, Any]):
    """The part of Airflow's task state store that the operator uses."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


@pytest.mark.parametrize("output", [False, True], ids=["no output", "output"])
@pytest.mark.parametrize(("hook", "deferrable"), MOMENTS)
def test_the_job_of_a_stopped_worker_never_succeeds(live: Live, hook: str, output: bool, deferrable: bool) -> None:
    name = f"stop-{hook.replace('_', '')}-{output}-{deferrable}".lower()
    script = WRITES if hook == "on_pod_completion" else STUBBORN
    tasks: list[PodOperator] = []
    stopping = At(hook, lambda: tasks[0].on_kill())
    tasks.append(job(live, name, script, do_xcom_push=output, deferrable=deferrable, callbacks=[stopping]))
    ctx = {**context(name), "task_state_store": Store()}
    with pytest.raises(TryFailed) as failure:
        run(tasks[0], ctx)
    assert failure.value.verdict.sentence.startswith("killed: the worker was told to end before the job was over")
    assert stopping.done
    assert list(ctx["task_state_store"]) == [KEY]
    assert not ctx["ti"].xcom_push.called or "return_value" not in str(ctx["ti"].xcom_push.call_args_list)
    until(lambda: not pods(live, name))


def test_the_next_try_does_not_take_over_a_pod_that_is_ending(live: Live) -> None:
    tasks: list[PodOperator] = []
    stopping = At("on_pod_starting", lambda: tasks[0].on_kill())
    slow = "trap '' TERM; touch /started; while true; do sleep 0.05; done"  # runs until the grace period is over
    tasks.append(job(live, "ending", slow, callbacks=[stopping], get_logs=False))
    tasks[0].termination_grace_period = 30
    tasks[0].await_pod_completion = mock.Mock()  # type: ignore[method-assign]  # it would wait for the pod's end
    tasks[0].pod_manager.await_pod_completion = lambda pod, *_: pod  # type: ignore[method-assign]
    with pytest.raises(TryFailed):
        tasks[0].execute(context("ending"))
    (left,) = pods(live, "ending")
    following = job(live, "ending", "echo next")
    following.execute(context("ending"))
    assert following.pod.metadata.name != left
    live.api.delete_namespaced_pod(left, "default", grace_period_seconds=0)


def test_a_try_that_is_stopped_before_it_begins_creates_no_pod(live: Live) -> None:
    task = job(live, "early", "true")
    task.on_kill()
    with pytest.raises(TryFailed):
        task.execute(context("early"))
    assert pods(live, "early") == []


@pytest.mark.parametrize("stored", [True, False], ids=["identity", "labels"])
@pytest.mark.parametrize(("error", "kind"), [("Trigger timeout", "timeout"), ("lost", "unknown")])
def test_a_trigger_that_fails_leaves_no_pod(live: Live, error: str, kind: str, stored: bool) -> None:
    name = f"lost-{error[:4]}-{stored}".lower()
    ctx = context(name) | ({"task_state_store": Store()} if stored else {})
    with pytest.raises(TaskDeferred):
        job(live, name, STUBBORN, deferrable=True).execute(ctx)
    assert len(pods(live, name)) == 1
    returning = job(live, name, STUBBORN, deferrable=True)
    with pytest.raises(TryFailed) as failure:
        returning.resume_execution("__fail__", {"error": error}, ctx)
    assert failure.value.verdict.kind == kind
    until(lambda: not pods(live, name))
    assert list(ctx.get("task_state_store", {})) == ([KEY] if stored else [])


@pytest.mark.parametrize("deferrable", [False, True], ids=["waits", "defers"])
@pytest.mark.parametrize("output", [False, True], ids=["no output", "output"])
@pytest.mark.parametrize("grace", [0, 5], ids=["at once", "with grace"])
def test_a_deleted_pod_has_its_own_message(live: Live, grace: int, output: bool, deferrable: bool) -> None:
    name = f"del-{grace}-{output}-{deferrable}".lower()

    def delete() -> None:
        (pod,) = pods(live, name)
        live.phase(pod, "Running")
        live.api.delete_namespaced_pod(pod, "default", grace_period_seconds=grace)

    hook = "on_pod_creation" if deferrable else "on_pod_starting"
    task = job(live, name, STUBBORN, do_xcom_push=output, deferrable=deferrable, callbacks=[At(hook, delete)])
    with pytest.raises(TryFailed) as failure:
        run(task, context(name))
    assert failure.value.verdict.sentence.startswith("killed: the pod was deleted while the job ran")


def test_a_job_that_ended_before_its_pod_was_deleted_succeeds(live: Live) -> None:
    task = job(live, "done", WRITES, do_xcom_push=True)
    request = task.build_pod_request_obj(context("done"))
    task.pod = task.get_or_create_pod(request, context("done"))
    name = task.pod.metadata.name

    def base_has_ended() -> Any:
        status = live.get(name)["status"].get("containerStatuses", [])
        return next((one["state"].get("terminated") for one in status if one["name"] == "base"), None)

    until(base_has_ended)
    remote = task.pod_manager.read_pod(task.pod)
    ended = remote.status.container_statuses[0].state.terminated or remote.status.container_statuses[1].state.terminated
    remote.metadata.deletion_timestamp = ended.finished_at.replace(year=ended.finished_at.year + 1)
    deletion.check_deleted(task, remote)
    remote.metadata.deletion_timestamp = ended.finished_at
    with pytest.raises(PodDeleted):
        deletion.check_deleted(task, remote)


BAD = {
    "quotes": ("echo \"{'a': True}\" > $F", r"return\.json is not valid JSON: line 1, column 2: .*write json\.dump"),
    "two-lines": ('printf \'{"a": 1}\\n{"a": 2}\\n\' > $F', r"return\.json .*line 2, column 1: extra data"),
    "folder": ("mkdir $F", r"return\.json cannot be read: .*directory"),
    "bytes": ('printf \'{"a": "\\377"}\' > $F', r"return\.json is not UTF-8: line 1, column 8: byte 0xff"),
    "nan": ('echo \'{"m": [{"loss": NaN}]}\' > $F', r"`m\[0\]\.loss` is NaN, which is not valid JSON"),
}


@pytest.mark.parametrize("deferrable", [False, True], ids=["waits", "defers"])
@pytest.mark.parametrize("kind", BAD)
def test_an_output_that_cannot_be_read_names_its_file(
    live: Live, kind: str, deferrable: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    script, message = BAD[kind]
    name = f"bad-{kind}-{deferrable}".lower()
    task = job(live, name, f"F=/airflow/xcom/return.json; {script}", do_xcom_push=True, deferrable=deferrable)
    task.log_events_on_failure = True
    with pytest.raises(TryFailed) as failure:
        run(task, context(name))
    assert re.search(message, failure.value.verdict.sentence)
    # The container succeeded, so the log does not point to it.
    logged = capsys.readouterr().out
    assert "returned a failure" not in logged
    assert "Pod phase" not in logged
    until(lambda: not pods(live, name))


def test_a_failed_container_is_reported_before_its_incomplete_output(live: Live) -> None:
    task = job(live, "half", "printf '{\"a\": ' > /airflow/xcom/return.json; exit 3", do_xcom_push=True)
    with pytest.raises(TryFailed) as failure:
        task.execute(context("half"))
    assert failure.value.verdict.sentence.startswith("exit code 3: the container failed")


@pytest.mark.parametrize("deferrable", [False, True], ids=["waits", "defers"])
def test_null_is_stored_but_a_missing_output_is_not(live: Live, deferrable: bool) -> None:
    ctx = context(f"null-{deferrable}")
    script = "echo null > /airflow/xcom/return.json"
    assert run(job(live, f"null-{deferrable}".lower(), script, do_xcom_push=True, deferrable=deferrable), ctx) is None
    pushed = [call.args for call in ctx["ti"].xcom_push.call_args_list if call.args]
    assert pushed == [("return_value", None), (NULL_KEY, True)]
    ctx = context(f"nothing-{deferrable}")
    assert (
        run(job(live, f"nothing-{deferrable}".lower(), "true", do_xcom_push=True, deferrable=deferrable), ctx) is None
    )
    assert [call.args for call in ctx["ti"].xcom_push.call_args_list if call.args] == []


def test_a_log_is_read_long_after_its_container_has_ended(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    task = job(live, "long", "i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); done", get_logs=False)
    task.on_finish_action = type(task.on_finish_action)("keep_pod")
    task.execute(context("long"))
    late = mock.patch("airflow.providers.cncf.kubernetes.utils.pod_manager.timezone.utcnow")
    with late as clock:
        import pendulum

        clock.return_value = pendulum.now("UTC").add(hours=1)
        task.pod_manager.fetch_container_logs(task.pod, "base", follow=True)
    logged = capsys.readouterr().out
    assert logged.count("[base] line ") == 4000
    assert "line 3999" in logged
    live.api.delete_namespaced_pod(task.pod.metadata.name, "default", grace_period_seconds=0)


@pytest.mark.parametrize("breaks", [1, 99], ids=["once", "always"])
def test_an_interrupted_log_is_read_again_or_reported_as_incomplete(
    live: Live, breaks: int, capsys: pytest.CaptureFixture[str]
) -> None:
    import urllib3

    name = f"broken-{breaks}"
    task = job(live, name, "for i in 1 2 3 4 5; do echo line $i; done", get_logs=False)
    task.on_finish_action = type(task.on_finish_action)("keep_pod")
    task.execute(context(name))
    left = [breaks]

    def stream(self: Any, *args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise urllib3.exceptions.ProtocolError("Connection broken")
        yield from original(self, *args, **kwargs)

    original = urllib3.response.HTTPResponse.stream
    with mock.patch.object(urllib3.response.HTTPResponse, "stream", stream):
        task.pod_manager.fetch_container_logs(task.pod, "base", follow=True)
    logged = capsys.readouterr().out
    assert ("[base] line 5" in logged) == (breaks == 1)
    assert ("is incomplete" in logged) == (breaks == 99)
    live.api.delete_namespaced_pod(task.pod.metadata.name, "default", grace_period_seconds=0)


def test_a_pod_of_an_earlier_process_is_reported_once(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    first = job(live, "taken", "sleep 0.5; echo over")
    first.get_or_create_pod(first.build_pod_request_obj(context("taken")), context("taken"))
    capsys.readouterr()
    job(live, "taken", "sleep 0.5; echo over").execute(context("taken"))
    assert capsys.readouterr().out.count("Found matching pod") == 1
    job(live, "own", "echo over").execute(context("own"))
    assert "Found matching pod" not in capsys.readouterr().out
