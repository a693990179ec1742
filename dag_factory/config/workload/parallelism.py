"""How much the jobs of one run can hold at once, when each waits for the jobs before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_MOST_PAIRS = 20_000  # of jobs in order; beyond, the order is not looked at, so the result is an upper bound


def most_at_once(weights: Mapping[str, int], waits_for: Mapping[str, tuple[str, ...]]) -> int:
    """The largest sum of weights of jobs none of which waits for another, directly or through others."""
    heavy = {name: weight for name, weight in weights.items() if weight > 0}
    total = sum(heavy.values())
    later = _in_order(heavy, waits_for)
    if sum(map(len, later.values())) > _MOST_PAIRS:
        return total
    return total - _flow(heavy, later)


def _in_order(heavy: Mapping[str, int], waits_for: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """For each heavy job the heavy jobs that it waits for."""
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


def _flow(weights: Mapping[str, int], later: Mapping[str, list[str]]) -> int:
    """The largest flow from each job to those that it waits for; by Dilworth's theorem what the sum is too much."""
    out, into = dict(weights), dict(weights)
    sent: dict[tuple[str, str], int] = {}
    takers: dict[str, list[str]] = {}
    flow = 0
    for source in weights:
        while out[source]:
            path = _augmenting(source, into, later, takers, sent)
            if path is None:
                break
            back = [sent[(path[index + 1], path[index])] for index in range(1, len(path) - 1, 2)]
            amount = min(out[source], into[path[-1]], *back)
            for index in range(len(path) - 1):
                pair = (path[index], path[index + 1]) if index % 2 == 0 else (path[index + 1], path[index])
                if pair not in sent:
                    takers.setdefault(pair[1], []).append(pair[0])
                sent[pair] = sent.get(pair, 0) + (amount if index % 2 == 0 else -amount)
            out[source] -= amount
            into[path[-1]] -= amount
            flow += amount
    return flow


def _augmenting(
    source: str,
    into: Mapping[str, int],
    later: Mapping[str, list[str]],
    takers: Mapping[str, list[str]],
    sent: Mapping[tuple[str, str], int],
) -> list[str] | None:
    """A way from a giving job to a taking job that has room: giver, taker, giver, taker ..."""
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
            [(False, job) for job in later[name]]
            if gives
            else [(True, job) for job in takers.get(name, ()) if sent[(job, name)] > 0]
        )
        for one in following:
            if one not in came:
                came[one] = here
                queue.append(one)
    return None
