"""What the current try of a task does, and how the last one ended."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.reasons.facts import PodWait, Task
from dag_factory.reasons.of_run import blocked
from dag_factory.reasons.phrases import MOST_WORDS, span, split_evidence, time_text, what_to_do
from dag_factory.reasons.reason import Reason, Tone
from dag_factory.reasons.shared import leaving, services


def running(task: Task) -> Iterator[Reason]:
    """A try whose worker watches the pod."""
    yield from _current_try(task, "running", "")


def deferred(task: Task) -> Iterator[Reason]:
    """A try whose pod the triggerer watches."""
    yield from (one for one in services(task.run.dag) if one.kind == "no-triggerer")
    yield from _current_try(task, "deferred", " The triggerer of Airflow watches its pod.")


def _current_try(task: Task, kind: str, who: str) -> Iterator[Reason]:
    if task.wait:
        yield _pod_waits(task, task.wait)
    else:
        took = f" for {span(task.since, task.run.dag.now)}" if task.since else ""
        sentence = f"Try {task.try_number} has been running{took}.{who}"
        yield Reason(kind, "info", sentence, "Its log has what the job prints.")
    if task.run.dag.deleted:
        yield leaving(task.run.dag)
    yield from last_try(task, "info")


def _pod_waits(task: Task, wait: PodWait) -> Reason:
    waited = f" for {span(wait.since, task.run.dag.now)}," if wait.since else ""
    text = f"The pod of try {task.try_number} has been waiting{waited} for {wait.reason}"
    sentence, evidence = split_evidence(text)
    is_for_node = wait.reason.startswith("a node")
    advice = "If no node becomes free, use a smaller flavor, or ask the platform team for a node that fits."
    what = " ".join(filter(None, (wait.limit, advice if is_for_node else "")))
    return Reason("pod-waits", "waiting", f"{sentence}.", what, evidence)


def waits_for_retry(task: Task) -> Iterator[Reason]:
    """Between two tries."""
    yield from blocked(task.run)
    now = task.run.dag.now
    if task.retry_at is None or task.retry_at <= now:
        when = "The next try starts in a moment."
    else:
        when = f"The next try starts at {time_text(task.retry_at)}, in {span(now, task.retry_at)}."
    last = task.tries[-1] if task.tries else None
    details = (task.retry_reason,) if task.retry_reason else ()
    if last is None or last.kind is None:
        yield Reason("next-try", "waiting", when, "", details)
    else:
        # What follows by itself matters now. What to do instead is in the table of verdicts.
        short, evidence = split_evidence(last.sentence, MOST_WORDS - 3)
        sentence = f"Try {last.number} failed: {short}. {when}"
        yield Reason("next-try", "waiting", sentence, last.next_try or what_to_do(last), (*evidence, *details))


def last_try(task: Task, tone: Tone) -> Iterator[Reason]:
    """How the last try ended, if it failed."""
    last = task.tries[-1] if task.tries else None
    if last is None or last.kind is None:
        return
    is_end = task.state == "failed"
    short, evidence = split_evidence(last.sentence, MOST_WORDS if is_end else MOST_WORDS - 3)
    sentence = f"{short[:1].upper()}{short[1:]}" if is_end else f"Try {last.number} failed: {short}"
    yield Reason(last.kind, tone, f"{sentence}.", what_to_do(last), evidence)
