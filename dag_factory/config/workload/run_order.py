"""Which jobs have certainly ended while another job runs, given trigger rules and mapped groups.

`depends_on` alone does not tell. A job with `always` does not wait. A job may fail or be skipped before all of its
dependencies have ended, and a job with `all_done` may then follow it. In a mapped group, items are independent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from dag_factory.config.model import Job

_ONE = ("one_success", "one_failed", "one_done")
_NONE = 0


class _Ended(NamedTuple):
    """Sets of jobs that have ended, as bits of a number.

    ``running``: while a task of the job runs. ``ran``: after all its tasks succeeded. ``over``: after the job
    ended in any state.
    """

    running: int
    ran: int
    over: int


def ended_before(jobs: Collection[Job], among: Collection[str], apart: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each job of ``among``, those of them that have ended while it runs; the relation is transitive.

    ``apart`` are mapped groups in which one item may be in a job while another item is in the next job.
    """
    known = {job.name: job for job in jobs}
    bits = {name: 1 << index for index, name in enumerate(among)}
    ended: dict[str, _Ended] = {}
    for job in _upstream_first(known):
        ended[job.name] = _ended(job, known, bits, ended, apart)
    order: dict[str, int] = {}
    for name in ended:  # transitive: a job counts only with all jobs that precede it
        if name in bits:
            before = ended[name].running
            order[name] = sum(bits[one] for one in order if before & bits[one] and not order[one] & ~before)
    return {name: tuple(one for one in among if order[name] & bits[one]) for name in among}


def _ended(
    job: Job, known: dict[str, Job], bits: dict[str, int], ended: dict[str, _Ended], apart: Collection[str]
) -> _Ended:
    waits_for = [known[name] for name in job.depends_on if name in known]
    rule = "all_done" if job.teardown_of else job.trigger_rule
    if rule == "one_success" and len(waits_for) == 1 and not (waits_for[0].for_each or waits_for[0].mapped_group):
        rule = "all_success"
    if rule == "always" or rule in _ONE:
        return _Ended(_NONE, _NONE, _NONE)
    running = ran = over = _NONE
    for one in waits_for:
        before, bit = ended[one.name], bits.get(one.name, _NONE)
        reached = before.ran if rule == "all_success" else before.over
        ran |= bit | reached
        if job.mapped_group in apart and job.mapped_group == one.mapped_group:
            running |= before.running if rule == "all_success" else _NONE
        else:
            running |= bit | reached
        over |= bit | before.over
    return _Ended(running, ran, over if rule == "all_done" and not job.teardown_of else _NONE)


def _upstream_first(known: dict[str, Job]) -> Iterator[Job]:
    """Yield each job after all of its dependencies."""
    seen: set[str] = set()
    stack = [(name, False) for name in known]
    while stack:
        name, is_entered = stack.pop()
        if is_entered:
            yield known[name]
        elif name not in seen:
            seen.add(name)
            stack.append((name, True))
            stack += [(one, False) for one in known[name].depends_on if one in known and one not in seen]
