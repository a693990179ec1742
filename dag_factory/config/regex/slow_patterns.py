"""Find regular expressions that take exponential time in Python, by counting steps instead of measuring time.

``ambiguity`` finds loops that can match one text in many ways. Without such loops, the pattern is fast. Otherwise this
module makes texts that repeat such a loop and then do not match, and ``backtracking`` counts the steps that Python
takes with them. So every rejected pattern has a text as proof, and the verdict is the same on every machine.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import NamedTuple

from dag_factory.config.regex import python_parser
from dag_factory.config.regex.ambiguity import Automaton, TooLarge, exponential, loops, power_of, samples
from dag_factory.config.regex.backtracking import Count, Program, TooManyStates, TooManySteps, below_of
from dag_factory.config.regex.python_parser import OPS as ops
from dag_factory.config.suggestions import show
from dag_factory.settings import BOUNDS

_REPETITIONS = 40  # 2^40 steps take hours; 40^3 steps take an instant
_PUMPS = 16  # the most loops to try of one pattern
_ENDS = ("\n\0", "!", ",,")  # texts that most repetitions do not match
_SAMPLES = 8
_FEW = 4
_UNITS, _MOST_UNITS = 50, 20_000


class Verdict(NamedTuple):
    """The result of a check: a text that takes too long, or None. ``unclear`` means that the check is too much work.

    ``work`` is the work of the check. ``steps`` is about the number of steps that Python takes with a fast text.
    """

    text: str | None = None
    unclear: bool = False
    work: int = 0
    steps: int = 0

    @property
    def is_fast(self) -> bool:
        return self.text is None and not self.unclear


@lru_cache(512)
def find_slow_text(pattern: str) -> Verdict:
    """Find a text with which the pattern takes too long.

    Raises ``ValueError`` with one line if Python cannot parse the pattern.
    """
    try:
        automaton = _automaton(pattern)
        pumps, power = exponential(automaton, _PUMPS), power_of(automaton, _REPETITIONS) * _REPETITIONS
        if not pumps and power * automaton.ways <= BOUNDS.pattern_steps:
            return Verdict(work=automaton.work)
        if pumps or power > BOUNDS.pattern_steps // _REPETITIONS:
            pumps = (pumps + loops(automaton, 2 * _PUMPS))[: 2 * _PUMPS]
        texts = [pump.prefix + pump.word * _REPETITIONS for pump in pumps] + samples(automaton, _SAMPLES)
        # A prefix may not satisfy a lookahead, or the text of a loop may match at once. So also try plain repetitions.
        texts += [word * _REPETITIONS for word in _words(automaton.letters)]
    except TooLarge:
        return Verdict(unclear=True, work=BOUNDS.pattern_work)
    work = automaton.work
    for text in dict.fromkeys(texts):
        found = _check_endings(pattern, text, automaton.letters)
        work += found.work
        if not found.is_fast:
            return found._replace(work=work)
        if work > BOUNDS.pattern_work:
            return Verdict(unclear=True, work=work)
    return Verdict(work=work)


def _words(letters: str) -> list[str]:
    """Each character, and short words of the first characters."""
    few = letters[:_FEW]
    return [*letters[:_PUMPS], *(one + other for one, other in itertools.permutations(few, 2))]


def _check_endings(pattern: str, text: str, letters: str) -> Verdict:
    """Check whether an ending of the text makes the pattern try all ways to match it, in too many steps."""
    all_ways = _count_steps(pattern, text, BOUNDS.pattern_steps // 4, fails=True)
    if all_ways.text is None:
        return all_ways
    work = all_ways.work
    for end in dict.fromkeys([*_ENDS, *_words(letters), *(letter * 2 for letter in letters)]):
        found = _count_steps(pattern, text + end, BOUNDS.pattern_steps)
        work += found.work
        if not found.is_fast:
            return found._replace(work=work)
        if work > BOUNDS.pattern_work:
            return Verdict(unclear=True, work=work)
    return Verdict(work=work)


@lru_cache(512)
def check_text(pattern: str, text: str) -> Verdict:
    """Check whether the pattern takes too long with this text. Raises as ``find_slow_text`` does."""
    try:
        automaton = _automaton(pattern)
        steps = power_of(automaton, len(text)) * automaton.ways * len(automaton.follows) * (len(text) + 1)
        if steps <= BOUNDS.pattern_steps and not exponential(automaton, 1):
            return Verdict(work=automaton.work, steps=steps)
    except TooLarge:
        return Verdict(unclear=True, work=BOUNDS.pattern_work)
    found = _count_steps(pattern, text, BOUNDS.pattern_steps)
    return found._replace(work=found.work + automaton.work)


def compile_work(pattern: str) -> int:
    """Estimate the work to compile a pattern with ``jsonschema-rs``, which expands counted repetitions.

    Raises as ``find_slow_text`` does.
    """
    return min(_UNITS * _count_nodes(_parse(pattern)), _MOST_UNITS)


def _count_nodes(nodes: python_parser.Nodes) -> int:
    total = 0
    for op, argument in nodes:
        times = 1
        if op in python_parser.REPEATS:
            times = argument[1] if argument[1] != ops.MAXREPEAT else argument[0] + 1
        total += 1 + times * sum(map(_count_nodes, below_of(op, argument)))
        if total > _MOST_UNITS:
            break
    return total


def _count_steps(pattern: str, text: str, most_steps: int, fails: bool = False) -> Verdict:
    try:
        count = Count(_program(pattern), text, most_steps, BOUNDS.pattern_states, fails)
        steps = count.search()
    except TooManySteps:
        return Verdict(text, work=count.states)
    except (TooManyStates, RecursionError):
        return Verdict(unclear=True, work=BOUNDS.pattern_states)
    return Verdict(work=count.states, steps=steps)


def _automaton(pattern: str) -> Automaton:
    """A new automaton for each check, so that its count of work does not depend on earlier checks."""
    try:
        return Automaton(_parse(pattern), BOUNDS.pattern_work)
    except RecursionError:
        raise TooLarge from None


def _parse(pattern: str) -> python_parser.Nodes:
    if len(pattern) > BOUNDS.pattern_characters:
        raise ValueError(f"a pattern has more than {BOUNDS.pattern_characters:,} characters")
    try:
        return python_parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as failure:
        raise ValueError(
            f"the pattern {show(pattern)} is not a valid regular expression of Python, which Airflow uses: {failure}"
        ) from None


@lru_cache(64)
def _program(pattern: str) -> Program:
    return Program(pattern)
