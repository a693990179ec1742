"""Why a pipeline does not run, or not as its file says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dag_factory.reasons.facts import Dag, Run
from dag_factory.reasons.of_run import MAX_SHOWN, open_task, run_reasons, waiting_tasks
from dag_factory.reasons.phrases import listed, run_link, span, time_text
from dag_factory.reasons.reason import Reason
from dag_factory.reasons.shared import ALL_PIPELINES, RESTORE, leaving, run_limit, services


def dag_reasons(dag: Dag, runs: Sequence[Run] = ()) -> tuple[Reason, ...]:
    """The reasons, the most important one first. Always at least one.

    ``runs`` has the active runs with their open tasks, and the last run if it failed.
    """
    if not dag.known:
        return (_unknown(dag),)
    if dag.stale:
        return (_vanished(dag, runs), *_last_run(dag, runs))
    waiting, last = list(_waiting(runs)), list(_last_run(dag, runs))
    if dag.deleted:
        return (leaving(dag), *waiting, *last)
    found = [*services(dag), *_stopped(dag), *_last_good(dag), *_paused(dag)]
    has_failed = dag.last_run is not None and dag.last_run[1] == "failed"
    if waiting or has_failed:
        # Why no other run starts is beside the point, unless the next run has a time.
        return (*found, *waiting, *last, *(one for one in _next_run(dag) if one.kind == "next-run"))
    return (*found, *_next_run(dag), *last)


def _unknown(dag: Dag) -> Reason:
    sentence = f"Airflow has no DAG `{dag.dag_id}`"
    if dag.file_state == "broken":
        return Reason(
            "never-valid",
            "failed",
            f"{sentence}: its file `{dag.file}` has errors, and no earlier version was valid.",
            "Fix the errors. The DAG appears after the next parse, in about half a minute.",
            dag.problems,
            (ALL_PIPELINES,),
        )
    if dag.file_state == "elsewhere":
        return _elsewhere(dag, sentence)
    return Reason(
        "unknown-dag",
        "failed",
        f"{sentence}, and it has no history of one.",
        "Compare the name with the list of all pipelines. The id is the path of the file below `configs/pipelines/`,"
        " with dots: `growth/churn.yaml` is `growth.churn`.",
        links=(ALL_PIPELINES,),
    )


def _vanished(dag: Dag, runs: Sequence[Run]) -> Reason:
    seen = f"Airflow read it last at {time_text(dag.last_parsed)}." if dag.last_parsed else ""
    details = (seen,) if seen else ()
    if dag.file_state == "elsewhere":
        return _elsewhere(dag, f"`{dag.dag_id}` is no longer in this environment", details)
    if dag.file_state == "broken":
        return Reason(
            "lost",
            "failed",
            f"The file `{dag.file}` has errors, and there is no last good version, so the DAG is gone.",
            "Fix the errors. The DAG and its history come back after the next parse, in about half a minute.",
            (*dag.problems, *details),
            (ALL_PIPELINES,),
        )
    if dag.file_state in ("running", "last-good", "stopped"):
        return Reason(
            "not-read",
            "waiting",
            f"The file `{dag.file}` defines this DAG, but Airflow does not read it at the moment.",
            "Wait a minute. If this stays, look at Import Errors on Airflow's home page, and ask the platform team"
            " whether the DAG processor runs.",
            details,
        )
    file = f"`{dag.file}`" if dag.file else "the file"
    return Reason(
        "deleted",
        "failed",
        f"No file defines `{dag.dag_id}` any more: {file} was deleted, renamed or"
        f" moved{'.' if dag.file_state == 'deleted' else ', or it has errors or is not for this environment.'}",
        f"{RESTORE} The DAG and its history come back."
        if any(run.failed for run in runs)
        else "If this was not intended, restore the file: the DAG and its history come back. If the file was renamed,"
        " its new DAG has the new name and starts with an empty history.",
        details,
        (ALL_PIPELINES,),
    )


def _elsewhere(dag: Dag, sentence: str, details: tuple[str, ...] = ()) -> Reason:
    names = f" It is only for {listed(dag.only)}." if dag.only else ""
    return Reason(
        "not-in-environment",
        "info",
        f"{sentence}: `only` in `{dag.file}` leaves out {_here(dag)}.{names}",
        "Add the environment to `only` if the pipeline should run here.",
        details,
        (ALL_PIPELINES,),
    )


def _here(dag: Dag) -> str:
    return f"the environment `{dag.environment}`" if dag.environment else "this environment"


def _stopped(dag: Dag) -> Iterator[Reason]:
    if dag.stopped:
        yield Reason(
            "stopped",
            "failed",
            "The pipeline is stopped: its file has errors, and its last good version breaks current rules of the"
            " platform. It has no schedule, and each of its tasks fails.",
            f"Fix {f'`{dag.file}`' if dag.file else 'the file'}. The pipeline runs again after the next parse.",
            dag.stopped,
        )


def _last_good(dag: Dag) -> Iterator[Reason]:
    if dag.last_good:
        yield Reason(
            "last-good",
            "failed",
            f"The file {f'`{dag.file}` ' if dag.file else ''}has errors, so Airflow runs the last good version."
            " Changes in the file have no effect until all of its errors are fixed.",
            "Fix the errors in the file. Airflow uses the file again after the next parse, in about half a minute.",
            dag.last_good,
        )


def _paused(dag: Dag) -> Iterator[Reason]:
    if dag.paused:
        yield Reason(
            "paused",
            "waiting",
            "The DAG is paused. Its schedule starts no run, and runs that exist do not go on.",
            "Unpause it with the switch next to its name.",
        )


def _next_run(dag: Dag) -> Iterator[Reason]:
    """When the next run starts, or why none starts by itself."""
    if dag.stopped:
        return
    if dag.off_in:
        yield Reason(
            "schedule-off",
            "info",
            f"Schedules are off in this environment: `{dag.off_in}` has `schedules: manual`.",
            "Start runs with Trigger. In an environment with schedules, the pipeline follows its schedule.",
        )
    elif not dag.schedule and dag.schedule_off:
        yield Reason(
            "schedule-removed",
            "info",
            f"The pipeline has no schedule in {_here(dag)}: `{dag.schedule_off}: null` in `{dag.file}` removes it.",
            "Start runs with Trigger. Remove that line if the pipeline should follow its schedule here.",
        )
    elif not dag.schedule:
        yield Reason(
            "manual",
            "info",
            f"The pipeline has no schedule in {_here(dag)}, so it runs only when somebody starts it.",
            f"Start a run with Trigger, or set `schedule` in {f'`{dag.file}`' if dag.file else 'the file'}.",
        )
    elif dag.waits_for:
        missing = [name for name, updated in dag.waits_for if not updated]
        details = tuple(f"{name}: {'updated' if yes else 'not updated yet'}" for name, yes in dag.waits_for)
        yield Reason(
            "waits-for-assets",
            "waiting",
            f"The next run starts after updates of assets. Since the last run there is no update of {listed(missing)}."
            if missing
            else "All assets of the schedule are updated. The next run starts in a moment.",
            "Open the asset in Airflow to see which DAG updates it." if missing else "",
            details,
        )
    elif dag.max_active_runs and len(dag.active_runs) >= dag.max_active_runs:
        yield run_limit(dag)
    elif dag.next_run is None:
        yield Reason(
            "no-next-run",
            "info",
            f"The schedule ({dag.schedule}) has no next run: its end date has passed, or it runs only once.",
            "Change `end_date` or `schedule` in the file.",
        )
    else:
        due = dag.next_run <= dag.now
        text = f"was due at {time_text(dag.next_run)}" if due else f"starts at {time_text(dag.next_run)}"
        wait = "" if due else f", in {span(dag.now, dag.next_run)}"
        yield Reason("next-run", "info", f"The next run {text}{wait} (schedule: {dag.schedule}).")


def _waiting(runs: Sequence[Run]) -> Iterator[Reason]:
    """What the tasks of the active runs wait for."""
    waiting = [(run, one) for run in runs for one in waiting_tasks(run)]
    for run, one in waiting[:MAX_SHOWN]:
        yield open_task(run, one, f" of the run {run.run_id}")


def _last_run(dag: Dag, runs: Sequence[Run]) -> Iterator[Reason]:
    """The state of the last run. ``runs`` may have its facts."""
    if dag.last_run:
        run_id, state = dag.last_run
        link = run_link(dag.dag_id, run_id)
        run = next((one for one in runs if one.run_id == run_id), None)
        if state == "failed":
            yield (
                _last_failed(run)
                if run
                else Reason(
                    "last-run-failed",
                    "failed",
                    "The last run failed.",
                    "Open the run: it has the reason.",
                    links=(link,),
                )
            )
        else:
            tones = {"success": "ok", "running": "info", "queued": "waiting"}
            verbs = {"success": "succeeded", "running": "is running", "queued": "is queued"}
            sentence = f"The last run {verbs.get(state, f'is {state}')}."
            yield Reason("last-run", tones.get(state, "info"), sentence, links=(link,))  # type: ignore[arg-type]
    else:
        yield Reason("no-runs", "info", "The DAG has no runs yet.")


def _last_failed(run: Run) -> Reason:
    """The first reason of the last run, which failed."""
    first = next(one for one in run_reasons(run) if one.kind not in ("stopped", "deleted"))
    is_bare = first.kind == "failed"
    others = len(run.failed) - (first.kind == "failed-task")
    more = (
        f"{others} {'other ' if others < len(run.failed) else ''}task{'' if others == 1 else 's'} of this run failed."
    )
    return Reason(
        "last-run-failed",
        "failed",
        "The last run failed, but none of its tasks did." if is_bare else f"The last run failed. {first.sentence}",
        first.what_to_do,
        (more,) if others else (),
        (
            *first.links,
            run_link(run.dag.dag_id, run.run_id, "The run and all its failed tasks" if others else "The run"),
        ),
    )
