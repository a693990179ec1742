"""Slow patterns are found by counting: without a clock, and with the same verdict in any order of checks."""

from __future__ import annotations

import itertools
import random
import re
import signal
import time

import pytest

from dag_factory.config.regex import python_parser, slow_patterns
from dag_factory.config.regex.ambiguity import Automaton, TooLarge
from dag_factory.config.regex.backtracking import Count, Program, TooManyStates, TooManySteps

SLOW = [
    "^((a|ab)(bc|c))*$",
    "^(?:ab|a|bc|c)*$",
    "(x+x+)+y",
    "(a|a)" * 30 + "b",
    "a?" * 30 + "a" * 30 + "$",
    "(.*a){20}$",
    "^(.*)(.*)(.*)(.*)(.*)(.*)(.*)x$",
    "(((a|a){4}){4}){4}b",
    "(?i)^([a-z]+A?)+$",
    r"(?s:(.|\n)*)x",
    r"^(?=(a+)+$)",
    r"^(?:(?:(?:a|.))*a)*(?:a)+$",
    r"^((.)\2?)+$",
    "^(?:[^a]{1,30}ab|(?:b|[^a]){2,}|a)+$",
]
FINE = [
    r"^(\d{4})*$",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$",
    r"^[\w.+-]+@[\w-]+\.[\w.-]+$",
    r"^(https?|s3|gs)://[^\s/$.?#].[^\s]*$",
    r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$",
    r"^\s+|\s+$",
    r"^(?:(.)\1)+$",
    "(a+)+",
    "^(" + "|".join(f"word{number}" for number in range(300)) + ")$",
    "^(a|b|c)(,(a|b|c)){0,20}$",
    "(((((((a{60}){60}){60}){60}){60}){60}){60})*$",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_a_slow_pattern_is_found_with_a_text_as_proof(pattern: str) -> None:
    text = slow_patterns.find_slow_text(pattern).text
    assert text is not None and len(text) < 300
    with pytest.raises(TooManySteps):
        Count(Program(pattern), text, 10_000_000, 100_000).search()


@pytest.mark.parametrize("pattern", FINE)
def test_a_fast_pattern_is_accepted(pattern: str) -> None:
    assert slow_patterns.find_slow_text(pattern).is_fast


@pytest.mark.parametrize("pattern", [*SLOW, *FINE])
def test_the_verdict_and_its_work_do_not_depend_on_a_clock(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def clock(*_: object) -> float:
        raise AssertionError("a clock was asked")

    before = slow_patterns.find_slow_text(pattern)
    for cached in (slow_patterns.find_slow_text, slow_patterns.check_text, slow_patterns._program):
        cached.cache_clear()
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        monkeypatch.setattr(time, name, clock)
    monkeypatch.setattr(signal, "setitimer", clock)
    assert slow_patterns.find_slow_text(pattern) == before


def test_the_steps_double_with_each_character() -> None:
    steps = [Count(Program("^(a+)+$"), "a" * length + "!", 10**9, 10**5).search() for length in range(10, 20)]
    assert all(1.8 < later / earlier < 2.2 for earlier, later in itertools.pairwise(steps))


def test_the_work_of_counting_is_limited() -> None:
    with pytest.raises(TooManyStates):
        Count(Program("^((?:a?){50}){50}b"), "a" * 40, 10**30, 1_000).search()
    with pytest.raises(TooLarge):
        Automaton(python_parser.parse("((?:a?b?c?d?e?f?g?h?)*)*" * 20), 1_000)
    assert slow_patterns.find_slow_text("((a?){1000}){1000}").unclear


PARTS = ["a", "b", "[ab]", ".", "ab", "[^a]", r"\w", r"\b", "^", "$"]
SUFFIXES = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0,3}", "{2,}", "{1,2}?"]


def pattern_of(chosen: random.Random, depth: int) -> str:
    """A random pattern with every construct, from a seed."""
    kind = chosen.random()
    if depth == 0 or kind < 0.2:
        return chosen.choice(PARTS)
    inner = pattern_of(chosen, depth - 1)
    if kind < 0.45:
        return inner + pattern_of(chosen, depth - 1)
    if kind < 0.6:
        return f"(?:{inner}|{pattern_of(chosen, depth - 1)})"
    if kind < 0.8:
        return f"(?:{inner}){chosen.choice(SUFFIXES)}"
    return chosen.choice(["(?={})", "(?!{})", "({})", r"(?:({})\1)", "(?i:{})", "(?<=a){}"]).format(inner)


@pytest.mark.parametrize("seed", range(20))
def test_the_count_finds_the_same_match_as_python(seed: int) -> None:
    chosen = random.Random(seed)
    for _ in range(60):
        pattern = pattern_of(chosen, 4)
        text = "".join(chosen.choice("abA\n") for _ in range(chosen.randrange(9)))
        try:
            found = re.compile(pattern).search(text)
        except re.error:  # for example `^*`
            continue
        count = Count(Program(pattern), text, 10_000_000, 100_000)
        assert count.search() > 0
        assert count.match == (found.span() if found else None), (pattern, text)
