"""Why a pipeline does not run, or not as its file says."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.reasons.facts import Dag
from dag_factory.reasons.phrases import ago, listed, run_link, span, time_text
from dag_factory.reasons.reason import Link, Reason

_COMPONENTS = {
    "scheduler": "No run and no task starts.",
    "dag_processor": "Changes of files have no effect.",
    "triggerer": "Deferred tasks do not go on.",
}
_PIPELINES = Link("All pipelines", "plugin/dagwright-pipelines")


def dag_reasons(dag: Dag) -> tuple[Reason, ...]:
    """The reasons, the most important one first. Always at least one."""
    if not dag.known:
        return (_unknown(dag),)
    if dag.stale:
        return (_vanished(dag),)
    if dag.deleted:
        return (leaving(dag),)
    found = [*services(dag), *_stopped(dag), *_last_good(dag), *_paused(dag)]
    last, schedule = list(_last_run(dag)), list(_schedule(dag)) if not dag.stopped else []
    has_failed = dag.last_run is not None and dag.last_run[1] == "failed"
    return (*found, *last, *schedule) if has_failed else (*found, *schedule, *last)


def services(dag: Dag) -> Iterator[Reason]:
    """A component of Airflow that does not report."""
    for name in dag.services.dead:
        last = dag.services.last.get(name)
        since = f"It reported last at {time_text(last)} ({ago(last, dag.now)})." if last else "It never reported."
        title = f"Airflow's {name.replace('_', ' ')} does not run"
        action = f"Ask the platform team to start `airflow {name.replace('_', '-')}`."
        yield Reason(f"no-{name}", "failed", f"{title}. {_COMPONENTS[name]}", action, (since,))


def _unknown(dag: Dag) -> Reason:
    sentence = f"Airflow has no DAG `{dag.dag_id}`"
    if dag.file_state == "broken":
        return Reason(
            "never-valid",
            "failed",
            f"{sentence}: its file `{dag.file}` has errors, and no earlier version was valid.",
            "Fix the errors. The DAG appears after the next parse, in about half a minute.",
            dag.problems,
            (_PIPELINES,),
        )
    if dag.file_state == "elsewhere":
        return _elsewhere(dag, sentence)
    return Reason(
        "unknown-dag",
        "failed",
        f"{sentence}, and it has no history of one.",
        "Compare the name with the list of all pipelines. The id is the path of the file below `configs/pipelines/`,"
        " with dots: `growth/churn.yaml` is `growth.churn`.",
        links=(_PIPELINES,),
    )


def _vanished(dag: Dag) -> Reason:
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
            (_PIPELINES,),
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
    return Reason(
        "deleted",
        "failed",
        f"No file defines `{dag.dag_id}` any more: the file was deleted, renamed or moved"
        + ("." if dag.file_state == "deleted" else ", or it has errors or is not for this environment."),
        "If this was not intended, restore the file: the DAG and its history come back. If the file was renamed, its"
        " new DAG has the new name and starts with an empty history.",
        details,
        (_PIPELINES,),
    )


def leaving(dag: Dag) -> Reason:
    """The DAG stays only until its runs have ended."""
    return Reason(
        "deleted",
        "failed",
        f"The pipeline is deleted: {dag.deleted}. Jobs that run now continue, and jobs that have not started fail.",
        "If this was not intended, restore the file, then clear the failed tasks.",
        links=(_PIPELINES,),
    )


def _elsewhere(dag: Dag, sentence: str, details: tuple[str, ...] = ()) -> Reason:
    names = f" It is only for {listed(dag.only)}." if dag.only else ""
    here = f"the environment `{dag.environment}`" if dag.environment else "this environment"
    return Reason(
        "not-in-environment",
        "info",
        f"{sentence}: `only` in `{dag.file}` leaves out {here}.{names}",
        "Add the environment to `only` if the pipeline should run here.",
        details,
        (_PIPELINES,),
    )


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
            " Changes in the file have no effect.",
            "Fix the errors in the file.",
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


def _schedule(dag: Dag) -> Iterator[Reason]:
    if dag.off_in:
        yield Reason(
            "schedule-off",
            "info",
            f"Schedules are off in this environment: `{dag.off_in}` has `schedules: manual`.",
            "Start runs with Trigger. In an environment with schedules, the pipeline follows its schedule.",
        )
    elif not dag.schedule:
        yield Reason(
            "manual",
            "info",
            "The pipeline has no schedule, so it runs only when somebody starts it.",
            "Start a run with Trigger, or add `schedule` to the file.",
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


def run_limit(dag: Dag) -> Reason:
    """The limit of runs is reached."""
    active, most = len(dag.active_runs), dag.max_active_runs or 0
    return Reason(
        "run-limit",
        "waiting",
        f"The limit of active runs is reached: {active} of {most} (`max_active_runs`). The next run waits.",
        "Wait until an active run ends, end one, or raise `max_active_runs` in the file.",
        links=tuple(run_link(dag.dag_id, run_id) for run_id in dag.active_runs[:5]),
    )


def _last_run(dag: Dag) -> Iterator[Reason]:
    if dag.last_run:
        run_id, state = dag.last_run
        link = run_link(dag.dag_id, run_id)
        if state == "failed":
            action = "Open the run and its tab Why?: it has the reason."
            yield Reason("last-run-failed", "failed", "The last run failed.", action, links=(link,))
        else:
            tones = {"success": "ok", "running": "info", "queued": "waiting"}
            verbs = {"success": "succeeded", "running": "is running", "queued": "is queued"}
            sentence = f"The last run {verbs.get(state, f'is {state}')}."
            yield Reason("last-run", tones.get(state, "info"), sentence, links=(link,))  # type: ignore[arg-type]
    else:
        yield Reason("no-runs", "info", "The DAG has no runs yet.")
