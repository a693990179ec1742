"""The end of a failed try whose reason is known."""

from __future__ import annotations

from dag_factory.verdicts.history import History
from dag_factory.verdicts.next_try import NextTry
from dag_factory.verdicts.verdict import Verdict


class TryFailed(SystemExit):
    """Ends the try. The verdict is already in the log.

    Airflow (3.3) logs a stack trace for every exception except ``SystemExit``. It evaluates the retry policy and runs
    the callbacks for this one, too, and passes it to them: ``context["exception"]``. ``history`` contains this try.
    ``log_lines`` are the last lines of the container. The exit code is that of the container, which Airflow logs.
    """

    def __init__(self, verdict: Verdict, next_try: NextTry, history: History, log_lines: tuple[str, ...] = ()) -> None:
        super().__init__(verdict.exit_code or 1)
        self.log_lines = log_lines
        self.verdict, self.next_try, self.history = verdict, next_try, history


class TryLost(TryFailed):
    """A try whose worker was lost, as the next try reports it to the callbacks. It is never raised."""
