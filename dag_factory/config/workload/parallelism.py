"""The maximum resources that the jobs of one run can use at once, given their dependencies."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_MAX_PAIRS = 20_000  # of dependent jobs; above this, dependencies are ignored, so the result is an upper bound


def most_at_once(weights: Mapping[str, int], waits_for: Mapping[str, tuple[str, ...]]) -> int:
    """The largest sum of weights of jobs that do not wait for each other, directly or indirectly."""
    heavy = {name: weight for name, weight in weights.items() if weight > 0}
    total = sum(heavy.values())
    dependencies = _dependencies(heavy, waits_for)
    if sum(map(len, dependencies.values())) > _MAX_PAIRS:
        return total
    return total - _flow(heavy, dependencies)


def _dependencies(heavy: Mapping[str, int], waits_for: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """For each job with a weight, all such jobs that it waits for."""
    found = {}
    for name in heavy:
        seen: dict[str, None] = {}
        queue = deque(waits_for.get(name, ()))
        while queue:
            job = queue.popleft()
            if job not in seen:
                seen[job] = None
                queue.extend(waits_for.get(job, ()))
        found[name] = [job for job in seen if job in heavy and job != name]
    return found


def _flow(weights: Mapping[str, int], dependencies: Mapping[str, list[str]]) -> int:
    """The maximum flow from jobs to their dependencies; by Dilworth's theorem, the excess of the total weight."""
    out, into = dict(weights), dict(weights)
    sent: dict[tuple[str, str], int] = {}
    receivers: dict[str, list[str]] = {}
    flow = 0
    for source in weights:
        while out[source]:
            path = _augmenting(source, into, dependencies, receivers, sent)
            if path is None:
                break
            back = [sent[(path[index + 1], path[index])] for index in range(1, len(path) - 1, 2)]
            amount = min(out[source], into[path[-1]], *back)
            for index in range(len(path) - 1):
                pair = (path[index], path[index + 1]) if index % 2 == 0 else (path[index + 1], path[index])
                if pair not in sent:
                    receivers.setdefault(pair[1], []).append(pair[0])
                sent[pair] = sent.get(pair, 0) + (amount if index % 2 == 0 else -amount)
            out[source] -= amount
            into[path[-1]] -= amount
            flow += amount
    return flow


def _augmenting(
    source: str,
    into: Mapping[str, int],
    dependencies: Mapping[str, list[str]],
    receivers: Mapping[str, list[str]],
    sent: Mapping[tuple[str, str], int],
) -> list[str] | None:
    """An augmenting path from a sender to a receiver with capacity left: sender, receiver, sender, receiver ..."""
    came: dict[tuple[bool, str], tuple[bool, str] | None] = {(True, source): None}
    queue = deque([(True, source)])
    while queue:
        gives, name = here = queue.popleft()
        if not gives and into[name]:
            path = []
            step: tuple[bool, str] | None = here
            while step is not None:
                path.append(step[1])
                step = came[step]
            return path[::-1]
        following = (
            [(False, job) for job in dependencies[name]]
            if gives
            else [(True, job) for job in receivers.get(name, ()) if sent[(job, name)] > 0]
        )
        for one in following:
            if one not in came:
                came[one] = here
                queue.append(one)
    return None
