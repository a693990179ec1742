"""What the triggerer reports, as a failure of the try."""

from __future__ import annotations

from typing import Any

from dag_factory.build.worker.errors import KnownFailure, NeverStarted, StartedTooLate, TimedOut, TriggerFailed


def failure_of_event(event: dict[str, Any]) -> KnownFailure:
    """The failure that an event of ``PodTrigger`` stands for, or an event of the provider's trigger."""
    status, message = event["status"], str(event.get("message", ""))
    if status == "never started":
        return NeverStarted("the pod waits for something that cannot come by itself")
    if status == "started too late" or (status == "timeout" and "took too long" in message):
        return StartedTooLate(event.get("seconds"))
    if status == "timeout":
        return TimedOut("the job did not end within its timeout")
    return TriggerFailed(message or f"the triggerer reported `{status}`", str(event.get("stack_trace", "")))


def failure_of_trigger(arguments: dict[str, Any]) -> Exception:
    """The failure of a trigger that ended without an event. Airflow passes an error and a stack trace."""
    error = str(arguments.get("error", "unknown"))
    if error == "Trigger timeout":
        return TimedOut("the job did not end within its timeout")
    return TriggerFailed(f"the triggerer could not watch the pod: {error}", "\n".join(arguments.get("traceback") or ()))
