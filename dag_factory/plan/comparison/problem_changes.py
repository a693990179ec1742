"""The problems that a change adds or solves. A problem that only moved to another line is the same problem."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from dag_factory.config.problems import Problem
from dag_factory.config.project.survey import with_environments

_Key = tuple[str, str, str, str, str]


class ProblemChanges(msgspec.Struct, frozen=True):
    """The new and the solved problems, each once, with the environments that have them; sorted by position.

    ``unchanged`` counts those that both revisions have in the tables and in the compiled files; files that were not
    compiled are equal, so they add and solve none.
    """

    new: tuple[Problem, ...] = ()
    solved: tuple[Problem, ...] = ()
    unchanged: int = 0


def compare_problems(
    found: Iterable[tuple[str, Sequence[Problem], Sequence[Problem]]], environments: tuple[str, ...]
) -> ProblemChanges:
    """Compare the problems of each environment, before and after."""
    new: dict[Problem, list[str]] = defaultdict(list)
    solved: dict[Problem, list[str]] = defaultdict(list)
    unchanged: set[_Key] = set()
    for environment, before, after in found:
        old_counts, new_counts = (Counter(map(_key, dict.fromkeys(side))) for side in (before, after))
        unchanged |= old_counts.keys() & new_counts.keys()
        for problem in _beyond(dict.fromkeys(after), old_counts):
            new[problem].append(environment)
        for problem in _beyond(dict.fromkeys(before), new_counts):
            solved[problem].append(environment)
    return ProblemChanges(_listed(new, environments), _listed(solved, environments), len(unchanged))


def _beyond(problems: Iterable[Problem], known: Counter[_Key]) -> Iterable[Problem]:
    """Yield the problems that are more than the known ones."""
    left = known.copy()
    for problem in problems:
        key = _key(problem)
        left[key] -= 1
        if left[key] < 0:
            yield problem


def _key(problem: Problem) -> _Key:
    return *problem.identity, problem.severity


def _listed(found: dict[Problem, list[str]], environments: tuple[str, ...]) -> tuple[Problem, ...]:
    return tuple(sorted(with_environments(problem, seen, environments) for problem, seen in found.items()))
