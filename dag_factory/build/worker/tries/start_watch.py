"""Watch a pod until its container starts: what to log, and when to give up.

A worker and the triggerer both watch pods, so this module neither sleeps nor reads: it gets the evidence and a clock.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dag_factory.config.model import Cluster
from dag_factory.verdicts.evidence.model import Evidence, Pod
from dag_factory.verdicts.rules.phrases import seconds_text
from dag_factory.verdicts.rules.waits import Wait, find_wait

FIRST_LINE = 3
"""Seconds until the first line: most pods start sooner."""
CHANGED_LINE = 10
"""Least seconds between two lines if the reason changes."""
SAME_LINE = 60
"""Seconds between two lines with the same reason."""
NODE_GROWTH = 120
"""Least seconds before a pod fails because it is larger than every node: a cluster may add larger nodes."""

EVENTS_INTERVAL = 5
"""Seconds between two requests for the events of a pod."""

FAIL_WAITING_AFTER = Cluster().fail_waiting_after

Answer = Literal["wait", "started", "never", "too late"]


class Limits(msgspec.Struct, frozen=True):
    """Time limits in seconds: until a node accepts the pod, from then until it runs, and for a wait that cannot end."""

    schedule: int
    startup: int
    final: int = FAIL_WAITING_AFTER


class Look(msgspec.Struct, frozen=True):
    """What one look at the pod tells.

    ``never``: the wait cannot end by itself. ``too late``: the limit of ``seconds`` is over. ``line`` is a line for
    the log, or empty. ``needs_nodes``: the sizes of the nodes would say more.
    """

    answer: Answer
    line: str = ""
    seconds: int = 0
    needs_nodes: bool = False


class StartWatch:
    """Remembers what was seen of one pod. ``now`` is in seconds, of any clock that only goes forward."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._began = self._phase_began = now
        self._scheduled = False
        self._final_since: float | None = None
        self._reason, self._logged = "", now - SAME_LINE

    def look(self, evidence: Evidence, now: float) -> Look:
        """Judge the pod as it is now."""
        pod = evidence.pod
        if pod is not None and pod.phase not in ("Pending", "Unknown", ""):
            return Look("started")
        if pod is not None and _is_scheduled(pod) and not self._scheduled:
            self._scheduled, self._phase_began = True, now
        limit = self._limits.startup if self._scheduled else self._limits.schedule
        end = self._phase_began + limit
        if now >= end:
            return Look("too late", seconds=limit)
        wait = find_wait(evidence)
        if wait is None:
            return Look("wait")
        if not wait.is_final:
            self._final_since = None
        elif self._final_since is None:
            self._final_since = now
        if self._final_since is not None:
            end = min(end, self._final_since + self._patience(wait))
            if now >= end:
                return Look("never")
        line = self._line(wait, now, end)
        needs_nodes = bool(line) and wait.kind == "unschedulable"  # at most as often as a line is written
        return Look("wait", line, needs_nodes=needs_nodes)

    def _patience(self, wait: Wait) -> int:
        return max(self._limits.final, NODE_GROWTH) if wait.kind == "unschedulable" else self._limits.final

    def _line(self, wait: Wait, now: float, end: float) -> str:
        reason, waited = wait.reason_text, now - self._began
        gap = SAME_LINE if reason == self._reason else CHANGED_LINE
        if waited < FIRST_LINE or now - self._logged < gap:
            return ""
        self._reason, self._logged = reason, now
        return f"{wait.line(waited)}. The try fails after {seconds_text(end - self._began)} of waiting."


def _is_scheduled(pod: Pod) -> bool:
    condition = pod.condition("PodScheduled")
    return bool(pod.node) or (condition is not None and condition.status == "True")
