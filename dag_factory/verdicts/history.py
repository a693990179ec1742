"""The tries of one task instance: what Airflow keeps between tries, and what its UI shows after the run.

A task that is cleared starts a new history. Airflow keeps the stored value, but raises ``max_tries``, so the value is
stored together with it and ignored if it differs.
"""

from __future__ import annotations

import msgspec

from dag_factory.verdicts.kinds import Kind

KEY = "dagwright"
"""The key in the task's state store."""
MOST_RECORDS = 30
"""How many tries are kept, the newest ones. What is stored and shown must not grow without a bound."""


class TryRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try that ended.

    ``flavor``, ``size`` (``4 CPU, 16Gi``) and ``cost_per_hour`` are those that the pod had. ``waited`` and ``ran`` are
    seconds before and after the start of the container. ``kind`` is None for a success; ``sentence`` is the sentence of
    the verdict. ``what_to_do`` and ``next_try`` are the sentences after it in the log. ``advice`` is what to write in
    the YAML file, if several runs needed a larger flavor.
    """

    number: int
    flavor: str
    size: str = ""
    pod: str = ""
    node: str = ""
    kind: Kind | None = None
    sentence: str = ""
    exit_code: int | None = None
    waited: float | None = None
    ran: float | None = None
    cost_per_hour: float | None = None
    advice: str = ""
    what_to_do: str = ""
    next_try: str = ""


class History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``flavor``: the larger flavor that later tries use; an empty string means the job's own.

    ``reschedules``: how often a try was repeated without using a retry.
    """

    max_tries: int
    tries: tuple[TryRecord, ...] = ()
    flavor: str = ""
    reschedules: int = 0


def read_history(stored: object, max_tries: int) -> History:
    """The stored history; an empty one if nothing valid is stored, or if the task was cleared since then."""
    try:
        history = msgspec.convert(stored, History)
    except msgspec.ValidationError:
        return History(max_tries=max_tries)
    return history if history.max_tries == max_tries else History(max_tries=max_tries)


def add_try(history: History, record: TryRecord, *, flavor: str = "", rescheduled: bool = False) -> History:
    """The history with one more try. ``flavor``: the larger flavor of the next try, if it changes."""
    return History(
        max_tries=history.max_tries,
        tries=(*history.tries, record)[-MOST_RECORDS:],
        flavor=flavor or history.flavor,
        reschedules=history.reschedules + rescheduled,
    )


def first_try(max_tries: int, retries: int) -> int:
    """The number of the first try since the task was cleared.

    The count of tries continues after that. Airflow raises ``max_tries`` by the tries that the task has had.
    """
    return max(1, max_tries - retries + 1)
